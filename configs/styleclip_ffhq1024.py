"""StyleCLIP's mapper for one text, on StyleGAN2's faces, 1024x1024.

Source: Patashnik et al., "StyleCLIP" (2021), section 5, and its code: three levels, Ranger 0.5, 2 codes a step, 50,000
steps, weights 1 (text), 0.8 (change) and 0.1 (identity). One run is one text.
Command: jaxgan train configs/styleclip_ffhq1024.py --model.text "a face with a beard" --folder runs/beard, with
NVIDIA's generator (stylegan2-ffhq-config-f.pkl), OpenAI's CLIP (ViT-B-32.pt and bpe_simple_vocab_16e6.txt.gz) and
ArcFace (model_ir_se50.pth) in the folder it is called from; --model.generator, --model.clip clip:FILE:VOCABULARY and
--model.embed arcface:FILE name others. `jg.editing.mapper(jg.load("runs/beard/mapper.safetensors"))` is the edit.
Result: not run here, for want of CLIP's weights.
"""

from jaxgan.training.ema import Ema
from jaxgan.training.mapper import TextMapper
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

recipe = Recipe(
    data="blank",
    model=TextMapper(
        generator="stylegan2-ffhq-config-f.pkl",
        clip="clip:ViT-B-32.pt:bpe_simple_vocab_16e6.txt.gz",
        text="a face with a beard",
        resolution=1024,
        embed="arcface:model_ir_se50.pth",
    ),
    batch=2,
    kimg=100,
    adam=Adam(lr=0.5),
    ema=Ema(kimg=0.2),
    tick_kimg=1,
    checkpoint_kimg=10,
)
