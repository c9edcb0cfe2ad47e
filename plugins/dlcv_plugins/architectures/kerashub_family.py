"""The networks of KerasHub as a family: a plugin for each, from a table that imports nothing."""

from dlcv import hook

NETWORKS = {
    "CLIP": ("clip_vit_base_patch32", "the image encoder of CLIP (Radford et al., 2021)"),
    "CSPNet": ("csp_resnet_50_ra_imagenet", "CSPNet and Darknet (Wang et al., 2019)"),
    "DeiT": ("deit_tiny_distilled_patch16_224_imagenet", "DeiT (Touvron et al., 2020)"),
    "DenseNet": ("densenet_121_imagenet", "DenseNet (Huang et al., 2016)"),
    "DINOV2": ("dinov2_small", "DINOv2 (Oquab et al., 2023)"),
    "DINOV3": ("dinov3_vit_small_lvd1689m", "DINOv3 (Simeoni et al., 2025)"),
    "EfficientNet": ("efficientnet_b0_ra_imagenet", "EfficientNet (Tan and Le, 2019)"),
    "HGNetV2": ("hgnetv2_b4_ssld_stage2_ft_in1k", "HGNetV2 of PaddlePaddle (2023)"),
    "MetaCLIP2": (
        "metaclip_2_vit_huge_patch14_224",
        "the image encoder of MetaCLIP 2 (Chuang et al., 2025)",
    ),
    "MiT": ("mit_b0_ade20k_512", "the Mix Transformer of SegFormer (Xie et al., 2021)"),
    "MobileNet": ("mobilenet_v3_small_100_imagenet", "MobileNetV3 (Howard et al., 2019)"),
    "MobileNetV5": ("mobilenetv5_300m_enc_gemma3n", "MobileNetV5, which Gemma 3n sees with (2025)"),
    "ResNet": ("resnet_50_imagenet", "ResNet, its second version and ResNet-vd (He et al., 2015)"),
    "SigLIP": ("siglip_base_patch16_224", "the image encoder of SigLIP (Zhai et al., 2023)"),
    "SwinTransformer": ("swin_tiny_patch4_window7_224", "the Swin Transformer (Liu et al., 2021)"),
    "VGG": ("vgg_16_imagenet", "VGG (Simonyan and Zisserman, 2014)"),
    "ViT": ("vit_base_patch16_224_imagenet", "the Vision Transformer (Dosovitskiy et al., 2020)"),
    "Xception": ("xception_41_imagenet", "Xception (Chollet, 2016)"),
}
"""The preset that each network begins with, and its paper, by the name of KerasHub's class."""
MODULE = "dlcv_plugins.architectures.kerashub_networks"


def summary(network: str) -> str:
    """Returns what a network is, in a line."""
    what = NETWORKS[network][1]
    return f"{what[0].upper()}{what[1:]}, as KerasHub has it."


@hook
def dlcv_plugins() -> list[tuple[str, str, str, str]]:
    """Returns a row for each network: `kerashub_vit`, `kerashub_dinov2` and so on."""
    return [
        ("architecture", f"kerashub_{network.lower()}", f"{MODULE}:{network}", summary(network))
        for network in NETWORKS
    ]
