"""Training is a game: networks, players that own parameters and an optimizer, and an ordered list of moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct

from jaxgan.core import Generator, Network


class Player(NamedTuple):
    """Who moves: the networks it owns and the optimizer that changes them. All its moves share one optimizer state."""

    networks: tuple[str, ...]
    optimizer: optax.GradientTransformation


class Move(NamedTuple):
    """One update of one player.

    Args:
        name: Under which its metrics are reported, "name/metric".
        player: Who moves.
        loss: `loss(params, stats, batch, key) -> (scalar, (metrics, stats))` with `params` {network: tree} of all
            networks. Gradients are taken with respect to the player's own; `stats` is returned, changed or not.
        every: The move is made on every so-many-th step, from the first on (lazy regularisation).
    """

    name: str
    player: str
    loss: Callable
    every: int = 1


class Opening(NamedTuple):
    """How a step begins.

    Args:
        stats, batch: As its moves shall see them.
        fresh: Whether all optimizers start anew (traced), or None.
        rate: Factor of all updates (may be traced), or None.
    """

    stats: Any
    batch: Any
    fresh: Any = None
    rate: Any = None


@struct.dataclass
class State:
    """Everything that training changes; what a checkpoint holds.

    Args:
        step: Steps done.
        images: Real images seen.
        params: {network: parameters}.
        ema: {network: averaged parameters}, of those that are averaged.
        opt: {player: optimizer state}.
        stats: Explicit statistics: buffers of the networks, running means, augmentation strength.
        key: Base random key; step n uses `fold_in(key, n)`.
    """

    step: Any
    images: Any
    params: Any
    ema: Any
    opt: Any
    stats: Any
    key: Any

    if TYPE_CHECKING:  # struct.dataclass adds it

        def replace(self, **changes: Any) -> State: ...


class Trainer(NamedTuple):
    """Two pure functions, and how to take a model out of the state.

    Args:
        init: `init(key) -> State`.
        step: `step(state, batch, active=None) -> (State, metrics)`; batch is {"image": [N, H, W, C], "label": [N, c]}.
            By itself the step chooses its moves by the step number in the state, inside the compiled program; the
            metrics of a move that is not made are zero. `active` (static, from `Trainer.active`) names the moves
            instead: one program for each set of moves, faster where a backend runs branches badly, as XLA's on
            CPUs does.
        moves: The moves, in order.
        parts: {name: Generator or Network with the right structure}.
        players: {name: Player}, the owners of the moves.
        at: `at(name, part, stats) -> part`: the part as it is used at this point of a run that grows; None if nothing
            changes.
        result: Name of the part that the game is about, which a run keeps and shows.
        show: `show(parts, images) -> images`: what a run draws to show how far the game is, of given images as many;
            None for samples of the generator. `parts` are those of the game, averaged where there is an average.
        figure: `figure(model) -> {name: figure}`: how a run judges by itself what the game is about, at every
            checkpoint; the first figure, of which less is better, says which one is kept as the best. None: not at all.
        companions: {file: `(trainer, state) -> Network`}, what a run keeps beside what it is about.
    """

    init: Callable
    step: Callable
    moves: tuple[Move, ...]
    parts: Mapping[str, Any]
    players: Mapping[str, Player]
    at: Callable | None = None
    result: str = "G"
    show: Callable | None = None
    figure: Callable | None = None
    companions: Mapping[str, Callable] = MappingProxyType({})

    def active(self, step: int) -> tuple[str, ...]:
        """Names of the moves made on step number `step` (the first is 0)."""
        return tuple(m.name for m in self.moves if step % m.every == 0)

    def network(self, state: State, name: str, ema: bool = False) -> Any:
        """Take a Generator or Network out of the state, with averaged weights if asked."""
        params = state.ema[name] if ema else state.params[name]
        part = self.parts[name] if self.at is None else self.at(name, self.parts[name], state.stats)
        averaged = state.stats.get("averaged_buffers", {}) if ema else {}
        return part.replace(params=params, buffers=averaged.get(name, state.stats["buffers"][name]))

    def generator(self, state: State, ema: bool = True) -> Generator:
        """Take the generator out of the state; one that is not trained has no average."""
        return self.network(state, "G", ema and "G" in state.ema)

    def model(self, state: State, ema: bool = True) -> Generator | Network:
        """Take out of the state what the game is about."""
        return self.network(state, self.result, ema)


def game(
    networks: Mapping[str, Callable[[Any], Generator | Network]],
    players: Mapping[str, Player],
    moves: Sequence[Move],
    *,
    ema: Callable | None = None,
    averaged: tuple[str, ...] = ("G",),
    averaged_buffers: bool = False,
    stats: Mapping[str, Any] | None = None,
    finish: Callable | None = None,
    begin: Callable | None = None,
    at: Callable | None = None,
) -> Trainer:
    """Make a Trainer of networks, players and moves.

    Each step goes through the moves in order; each move sees the parameters as the moves before it left them and a
    random key of its own.

    Args:
        networks: {name: key -> Generator or Network}.
        players: {name: Player}.
        moves: In the order in which they are made.
        ema: `ema(averaged, params, batch, images) -> averaged`, after the moves; None keeps no average.
        averaged: Which networks are averaged.
        averaged_buffers: Whether their buffers are averaged too (running statistics); the last ones are taken if not.
        stats: Initial statistics besides the buffers.
        finish: `finish(stats, step, batch) -> (stats, metrics)`, at the end of each step.
        begin: `begin(stats, batch, images) -> Opening`, at the beginning of each step, after `images` images.
        at: As for `Trainer`.
    """
    for m in moves:
        if m.player not in players:
            raise ValueError(f"Move {m.name!r} is made by {m.player!r}; the players are {', '.join(players)}.")

    moving = ema is not None and averaged_buffers
    chosen = lambda trees: {n: trees[n] for n in averaged}

    def init(key) -> State:
        base, *keys = jax.random.split(key, 1 + len(networks))
        parts = {name: make(k) for (name, make), k in zip(networks.items(), keys, strict=True)}
        params = {name: p.params for name, p in parts.items()}
        buffers = {name: p.buffers for name, p in parts.items()}
        own = lambda player: {n: params[n] for n in player.networks}
        return State(
            step=jnp.int32(0),
            images=jnp.int32(0),
            params=params,
            # A copy: donated buffers must not be shared.
            ema=jax.tree.map(jnp.copy, chosen(params)) if ema else {},
            opt={name: p.optimizer.init(own(p)) for name, p in players.items()},
            stats={
                "buffers": buffers,
                **({"averaged_buffers": jax.tree.map(jnp.copy, chosen(buffers))} if moving else {}),
                **(stats or {}),
            },
            key=base,
        )

    def opened(state: State) -> dict:
        """Optimizer states as they are before the first step."""
        return {n: p.optimizer.init({m: state.params[m] for m in p.networks}) for n, p in players.items()}

    def play(move: Move, state: State, batch, key, rate) -> tuple[State, dict]:
        player = players[move.player]
        own = {n: state.params[n] for n in player.networks}
        loss = lambda own: move.loss({**state.params, **own}, state.stats, batch, key)
        (_, (metrics, new_stats)), gradients = jax.value_and_grad(loss, has_aux=True)(own)
        updates, opt = player.optimizer.update(gradients, state.opt[move.player], own)
        if rate is not None:
            updates = jax.tree.map(lambda u: u * rate, updates)
        moved: Any = optax.apply_updates(own, updates)
        state = state.replace(
            params={**state.params, **moved},
            opt={**state.opt, move.player: opt},
            stats=jax.lax.stop_gradient(new_stats),
        )
        return state, {f"{move.name}/{k}": v for k, v in metrics.items()}

    def step(state: State, batch, active: tuple[str, ...] | None = None) -> tuple[State, dict]:
        at_step, size = state.step, batch["image"].shape[0]
        key, metrics, rate = jax.random.fold_in(state.key, at_step), {}, None
        if begin is not None:
            new_stats, batch, fresh, rate = begin(state.stats, batch, state.images)
            state = state.replace(stats=new_stats)
            if fresh is not None:
                state = state.replace(opt=jax.tree.map(lambda a, b: jnp.where(fresh, a, b), opened(state), state.opt))
        for i, move in enumerate(moves):
            run = lambda s, move=move, i=i: play(move, s, batch, jax.random.fold_in(key, i), rate)
            if active is not None and move.name not in active:
                continue
            if active is not None or move.every == 1:
                state, new = run(state)
            else:
                shape = jax.eval_shape(run, state)[1]
                rest = lambda s, shape=shape: (s, jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shape))
                state, new = jax.lax.cond(at_step % move.every == 0, run, rest, state)
            metrics.update(new)
        if ema is not None:
            state = state.replace(ema=ema(state.ema, chosen(state.params), size, state.images))
        if ema is not None and moving:
            held = state.stats["averaged_buffers"]
            held = ema(held, chosen(state.stats["buffers"]), size, state.images)
            state = state.replace(stats={**state.stats, "averaged_buffers": held})
        state = state.replace(step=at_step + 1, images=state.images + size)
        if finish is not None:
            new_stats, new = finish(state.stats, state.step, size)
            state, metrics = state.replace(stats=new_stats), {**metrics, **new}
        return state, metrics

    parts = {name: jax.eval_shape(make, jax.random.key(0)) for name, make in networks.items()}
    return Trainer(init, step, tuple(moves), parts, dict(players), at)
