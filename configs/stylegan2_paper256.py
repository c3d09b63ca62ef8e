"""StyleGAN2-ADA at 256x256 as published: the row `paper256` of its table, with adaptive augmentation.

Source: Karras et al., "Training Generative Adversarial Networks with Limited Data" (2020).
Command: jaxgan train configs/stylegan2_paper256.py --data FOLDER_OR_ZIP --folder runs/paper256
Hardware: published on 8 V100, 5.5 s/kimg, 25,000 kimg; transfer learning with --resume network.pkl.
Published figure: FID 3.88 on FFHQ at 256x256, 70k images (paper, table 1; recalled, not checked here).
Ours: not run.
"""

from jaxgan.training.recipe import published

recipe = published("paper256", data="images", resolution=256)
