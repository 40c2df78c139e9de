"""A dilated residual convolution, as GPN's (Benegas et al. 2023), over words.

Importing this module makes ``AutoModel``, and those for masked words, sequences and tokens, know it.
"""

from __future__ import annotations

from torch import Tensor, nn

from dnabert.models.residual import (
    ResidualConfig,
    ResidualForMaskedLM,
    ResidualForSequenceClassification,
    ResidualForTokenClassification,
    ResidualModel,
    register,
)


class ConvolutionConfig(ResidualConfig):
    """Sizes of the convolution."""

    model_type = "dnabert_convolution"

    kernel_size: int = 5
    most_dilation: int = 32


class DilatedConvolution(nn.Module):
    """Each word reads `kernel_size` words, `dilation` apart."""

    def __init__(self, config: ConvolutionConfig, *, dilation: int) -> None:
        super().__init__()
        width, kernel = config.hidden_size, config.kernel_size
        self.convolution = nn.Conv1d(width, width, kernel, dilation=dilation, padding="same", bias=False)

    def forward(self, x_BTD: Tensor, is_word_BT: Tensor | None) -> Tensor:
        """Map float (B, T, D) to the same shape; padding counts as what lies beyond the ends: zero."""
        if is_word_BT is not None:
            x_BTD = x_BTD * is_word_BT.unsqueeze(-1)
        return self.convolution(x_BTD.mT).mT


class ConvolutionModel(ResidualModel):
    """The body; the dilation doubles from layer to layer up to ``most_dilation`` (GPN: 32), then begins again at 1."""

    config_class = ConvolutionConfig

    @staticmethod
    def mixer(config: ConvolutionConfig, layer: int) -> nn.Module:
        """The convolution of a layer."""
        return DilatedConvolution(config, dilation=2 ** (layer % config.most_dilation.bit_length()))


class ConvolutionForMaskedLM(ResidualForMaskedLM):
    """Body, head and tied decoder."""

    config_class = ConvolutionConfig
    body = ConvolutionModel


class ConvolutionForSequenceClassification(ResidualForSequenceClassification):
    """Body, mean, head and classifier."""

    config_class = ConvolutionConfig
    body = ConvolutionModel


class ConvolutionForTokenClassification(ResidualForTokenClassification):
    """Body, head and a classifier of each word."""

    config_class = ConvolutionConfig
    body = ConvolutionModel


register(
    ConvolutionConfig,
    body=ConvolutionModel,
    masked=ConvolutionForMaskedLM,
    classifier=ConvolutionForSequenceClassification,
    tagger=ConvolutionForTokenClassification,
)
