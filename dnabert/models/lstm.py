"""A bidirectional LSTM (Hochreiter & Schmidhuber 1997; Graves & Schmidhuber 2005) in residual layers, over words.

Importing this module makes ``AutoModel``, and those for masked words, sequences and tokens, know it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from dnabert.errors import UserError
from dnabert.models.residual import (
    ResidualConfig,
    ResidualForMaskedLM,
    ResidualForSequenceClassification,
    ResidualForTokenClassification,
    ResidualModel,
    register,
)


class LSTMConfig(ResidualConfig):
    """Sizes of the LSTM; half of the width reads from each side."""

    model_type = "dnabert_lstm"


class BidirectionalLSTM(nn.Module):
    """Each word reads all before it and all after it."""

    def __init__(self, config: LSTMConfig) -> None:
        super().__init__()
        if config.hidden_size % 2:
            raise UserError(f"--model.hidden-size {config.hidden_size} must be even for two directions of an LSTM")
        self.lstm = nn.LSTM(config.hidden_size, config.hidden_size // 2, bidirectional=True, batch_first=True)

    def forward(self, x_BTD: Tensor, is_word_BT: Tensor | None) -> Tensor:
        """Map float (B, T, D) to the same shape; padding, on whichever side of a row, is not read."""
        if is_word_BT is None:
            return self.lstm(x_BTD)[0]
        words_first_BT = is_word_BT.int().argsort(dim=1, descending=True, stable=True)  # what is packed begins a row
        packed = pack_padded_sequence(
            _reordered(x_BTD, words_first_BT), is_word_BT.sum(1).cpu(), batch_first=True, enforce_sorted=False
        )
        read_BTD = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=x_BTD.shape[1])[0]
        return _reordered(read_BTD, words_first_BT.argsort(dim=1))


def _reordered(x_BTD: Tensor, order_BT: Tensor) -> Tensor:
    return torch.take_along_dim(x_BTD, order_BT.unsqueeze(-1), dim=1)


class LSTMModel(ResidualModel):
    """The body."""

    config_class = LSTMConfig

    @staticmethod
    def mixer(config: LSTMConfig, layer: int) -> nn.Module:
        """The LSTM of a layer."""
        return BidirectionalLSTM(config)


class LSTMForMaskedLM(ResidualForMaskedLM):
    """Body, head and tied decoder."""

    config_class = LSTMConfig
    body = LSTMModel


class LSTMForSequenceClassification(ResidualForSequenceClassification):
    """Body, mean, head and classifier."""

    config_class = LSTMConfig
    body = LSTMModel


class LSTMForTokenClassification(ResidualForTokenClassification):
    """Body, head and a classifier of each word."""

    config_class = LSTMConfig
    body = LSTMModel


register(
    LSTMConfig,
    body=LSTMModel,
    masked=LSTMForMaskedLM,
    classifier=LSTMForSequenceClassification,
    tagger=LSTMForTokenClassification,
)
