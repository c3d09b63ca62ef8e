"""StyleCLIP's mapper for one text, on the bundled generator of scenes, 64x64: short, for a CPU.

Source: Patashnik et al., "StyleCLIP" (2021), section 5; without identity, which is a matter of faces.
Command: jaxgan train configs/styleclip_scenes64.py --model.text "a red cube" --folder runs/red_cube, with OpenAI's CLIP
(ViT-B-32.pt and bpe_simple_vocab_16e6.txt.gz) in the folder it is called from, or --model.clip clip:FILE:VOCABULARY.
`jg.editing.mapper(jg.load("runs/red_cube/mapper.safetensors"))` is the edit.
Result: not run here, for want of CLIP's weights.
"""

from jaxgan.training.ema import Ema
from jaxgan.training.mapper import TextMapper
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

recipe = Recipe(
    data="blank",
    model=TextMapper(
        generator="scenes64",
        clip="clip:ViT-B-32.pt:bpe_simple_vocab_16e6.txt.gz",
        text="a red cube",
        levels=(3, 6),
        same=0.0,
    ),
    batch=4,
    kimg=8,
    adam=Adam(lr=0.5),
    ema=Ema(kimg=0.2),
    tick_kimg=0.4,
    checkpoint_kimg=2,
)
