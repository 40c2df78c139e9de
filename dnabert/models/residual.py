"""What the convolution and the LSTM share: word vectors, a stack of residual layers, ModernBERT's head.

They are models of `transformers` in every respect (saving, loading, hidden states), so that "would a CNN or an LSTM
do?" is one flag: everything around the layers is the same as for the transformer. Shapes: B rows, T tokens, D width.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers import initialization as init
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import (
    BaseModelOutput,
    MaskedLMOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
)
from transformers.utils import can_return_tuple


class ResidualConfig(PreTrainedConfig):
    """Sizes; the names are those of ModernBERT's configuration."""

    vocab_size: int = 16_389
    hidden_size: int = 256
    intermediate_size: int = 512
    num_hidden_layers: int = 4
    dropout: float = 0.0
    classifier_dropout: float = 0.0
    initializer_range: float = 0.02
    norm_eps: float = 1e-5
    pad_token_id: int | None = 0
    tie_word_embeddings: bool = True
    window_length: int | None = None


class FeedForward(nn.Module):
    """Two linear maps with GELU between them, on the normalised input."""

    def __init__(self, config: ResidualConfig) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.norm_eps, bias=False)
        self.Wi = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.Wo = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Map float (B, T, D) to the same shape."""
        return self.dropout(self.Wo(functional.gelu(self.Wi(self.norm(x_BTD)))))


class ResidualLayer(GradientCheckpointingLayer):
    """Mix neighbours, then think about each word: both beside a residual stream."""

    def __init__(self, config: ResidualConfig, mixer: nn.Module) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.norm_eps, bias=False)
        self.mixer = mixer
        self.mixed = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.dropout = nn.Dropout(config.dropout)
        self.mlp = FeedForward(config)

    def forward(self, x_BTD: Tensor, is_word_BT: Tensor | None) -> Tensor:
        """Map float (B, T, D) to the same shape; where `is_word_BT` is False (padding) nothing is read."""
        x_BTD = x_BTD + self.dropout(self.mixed(functional.gelu(self.mixer(self.norm(x_BTD), is_word_BT))))
        return x_BTD + self.mlp(x_BTD)


class ResidualPreTrainedModel(PreTrainedModel):
    """Weights and their initialisation."""

    config: ResidualConfig
    base_model_prefix = "model"
    supports_gradient_checkpointing = True
    _no_split_modules = ["ResidualLayer"]  # noqa: RUF012 - as transformers reads it: a sum of what two devices hold cannot be taken

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, (nn.Linear, nn.Embedding, nn.Conv1d)):
            init.normal_(module.weight, std=self.config.initializer_range)
            if isinstance(module, nn.Linear) and module.bias is not None:
                init.zeros_(module.bias)
        elif isinstance(module, nn.LSTM):
            for name, parameter in module.named_parameters():
                if name.startswith("bias"):
                    init.zeros_(parameter)
                else:
                    init.normal_(parameter, std=self.config.hidden_size**-0.5)
        elif isinstance(module, nn.LayerNorm):
            init.ones_(module.weight)


class ResidualModel(ResidualPreTrainedModel):
    """The body: word vectors into states."""

    def __init__(self, config: ResidualConfig) -> None:
        super().__init__(config)
        self.embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.embedding_norm = nn.LayerNorm(config.hidden_size, eps=config.norm_eps, bias=False)
        self.layers = nn.ModuleList(
            ResidualLayer(config, self.mixer(config, i)) for i in range(config.num_hidden_layers)
        )
        self.final_norm = nn.LayerNorm(config.hidden_size, eps=config.norm_eps, bias=False)
        self.post_init()

    @staticmethod
    def mixer(config: Any, layer: int) -> nn.Module:
        """Make what mixes neighbours in a layer: called with float (B, T, D) and bool (B, T) or None."""
        raise NotImplementedError

    def get_input_embeddings(self) -> nn.Embedding:
        """The word vectors, (V, D)."""
        return self.embeddings

    def set_input_embeddings(self, value: Any) -> None:
        """Replace the word vectors."""
        self.embeddings = value

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        *,
        output_hidden_states: bool | None = None,
        inputs_embeds: Tensor | None = None,
        **_: Any,
    ) -> BaseModelOutput:
        """States float (B, T, D) of `input_ids` int64 (B, T), or of word vectors in their place, `inputs_embeds` float
        (B, T, D).

        `attention_mask` is 0 at padding, which may stand on either side.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("pass either input_ids or inputs_embeds")
        # whether all are words only a GPU could say, at a stop
        is_word = None if attention_mask is None else attention_mask.bool()
        wanted = self.config.output_hidden_states if output_hidden_states is None else output_hidden_states
        x_BTD = self.embedding_norm(self.embeddings(input_ids) if inputs_embeds is None else inputs_embeds)
        states = [x_BTD]
        for layer in self.layers:
            x_BTD = layer(x_BTD, is_word)
            if wanted:
                states.append(x_BTD)
        last = self.final_norm(x_BTD)
        return BaseModelOutput(last_hidden_state=last, hidden_states=(*states[:-1], last) if wanted else None)


class ResidualHead(nn.Module):
    """ModernBERT's prediction head."""

    def __init__(self, config: ResidualConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.norm_eps, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map float (..., D) to the same shape."""
        return self.norm(functional.gelu(self.dense(x)))


class ResidualForMaskedLM(ResidualPreTrainedModel):
    """Body, head and a decoder tied to the word vectors."""

    _tied_weights_keys = {"decoder.weight": "model.embeddings.weight"}  # noqa: RUF012 - as transformers reads it
    body: type[ResidualModel]

    def __init__(self, config: ResidualConfig) -> None:
        super().__init__(config)
        self.model = self.body(config)
        self.head = ResidualHead(config)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size)
        self.post_init()

    def get_output_embeddings(self) -> nn.Linear:
        """The decoder."""
        return self.decoder

    def set_output_embeddings(self, new_embeddings: Any) -> None:
        """Replace the decoder."""
        self.decoder = new_embeddings

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **kwargs: Any,
    ) -> MaskedLMOutput:
        """Logits float (B, T, V), and the mean loss over `labels` that are not -100.

        Of a batch in parts `num_items_in_batch`, which transformers' trainer passes, are the labels of them all.
        """
        output = self.model(input_ids, attention_mask=attention_mask, return_dict=True, **kwargs)
        logits = self.decoder(self.head(output.last_hidden_state))
        loss = None if labels is None else self.loss_function(logits, labels, vocab_size=logits.shape[-1], **kwargs)
        return MaskedLMOutput(loss=loss, logits=logits, hidden_states=output.hidden_states)


class ResidualClassifier(ResidualPreTrainedModel):
    """What classifiers of sequences and of words are made of: body, head, a linear classifier."""

    body: type[ResidualModel]

    def __init__(self, config: ResidualConfig) -> None:
        super().__init__(config)
        self.model = self.body(config)
        self.head = ResidualHead(config)
        self.drop = nn.Dropout(config.classifier_dropout)
        self.classifier = nn.Linear(config.hidden_size, int(config.num_labels or 2))
        self.post_init()


class ResidualForSequenceClassification(ResidualClassifier):
    """Body, mean over the tokens, head and a linear classifier."""

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **kwargs: Any,
    ) -> SequenceClassifierOutput:
        """Logits float (B, classes), and the mean loss of `labels`: int64 (B,), or what the config's `problem_type` has
        them be."""
        output = self.model(input_ids, attention_mask=attention_mask, return_dict=True, **kwargs)
        states = output.last_hidden_state
        present = attention_mask
        if present is None:
            present = torch.ones(states.shape[:2], dtype=torch.int64, device=states.device)
        mean = (states * present.unsqueeze(-1)).sum(1) / present.sum(1, keepdim=True)
        logits = self.classifier(self.drop(self.head(mean)))
        loss = None
        if labels is not None:
            loss = self.loss_function(labels=labels, pooled_logits=logits, config=self.config, **kwargs)
        return SequenceClassifierOutput(loss=loss, logits=logits, hidden_states=output.hidden_states)


class ResidualForTokenClassification(ResidualClassifier):
    """Body, head and a linear classifier of each word."""

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **kwargs: Any,
    ) -> TokenClassifierOutput:
        """Logits float (B, T, classes), and the mean loss over `labels`, int64 (B, T), that are not -100."""
        output = self.model(input_ids, attention_mask=attention_mask, return_dict=True, **kwargs)
        logits = self.classifier(self.drop(self.head(output.last_hidden_state)))
        loss = None if labels is None else self.loss_function(logits, labels, self.config, **kwargs)
        return TokenClassifierOutput(loss=loss, logits=logits, hidden_states=output.hidden_states)


def register(
    config: type[ResidualConfig],
    *,
    body: type[ResidualModel],
    masked: type[ResidualForMaskedLM],
    classifier: type[ResidualForSequenceClassification],
    tagger: type[ResidualForTokenClassification],
) -> None:
    """Let the Auto classes of `transformers` know an architecture by its configuration's ``model_type``."""
    AutoConfig.register(config.model_type, config, exist_ok=True)
    AutoModel.register(config, body, exist_ok=True)
    AutoModelForMaskedLM.register(config, masked, exist_ok=True)
    AutoModelForSequenceClassification.register(config, classifier, exist_ok=True)
    AutoModelForTokenClassification.register(config, tagger, exist_ok=True)
