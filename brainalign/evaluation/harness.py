"""A model of the zoo, steered or not, as a model of the Language Model Evaluation Harness; needs its package `lm-eval`.

The harness asks for log likelihoods of texts. While `within` is open every token that predicts a scored one is a last
token to what it hooks, as if the text were generated token by token.

References
----------
Gao, L. et al. The Language Model Evaluation Harness. doi 10.5281/zenodo.12608602
"""

from contextlib import nullcontext
from typing import Any

import torch
from lm_eval.api.model import TemplateLM
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from brainalign.activations import continuations
from brainalign.evaluation.damage import begin_of_text, tokenise
from brainalign.evaluation.order_answers import Within
from brainalign.zoo import LanguageModel


class HarnessModel(TemplateLM):
    """What `lm_eval.simple_evaluate(model=…)` takes.

    Parameters
    ----------
    model : LanguageModel
    within : callable
        Makes the context in which the model answers, such as one that steers it.
    max_new_tokens : int
        Of generated answers, where a task does not say.
    """

    def __init__(self, model: LanguageModel, within: Within = nullcontext, max_new_tokens: int = 64) -> None:
        super().__init__()
        self.model, self.tokenizer = model, model.tokenizer
        self._within, self._max_new_tokens = within, max_new_tokens

    @property
    def eot_token_id(self) -> int:
        """Token that ends a text."""
        return int(self.tokenizer.eos_token_id)

    @property
    def prefix_token_id(self) -> int:
        """Token that stands before a text without a context."""
        return begin_of_text(self.model)[0]

    @property
    def max_length(self) -> int:
        """Tokens that the context holds."""
        return self.model.chat.context

    @property
    def tokenizer_name(self) -> str:
        """Name under which the harness caches requests."""
        return f"brainalign-{self.model.facts.name}"

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """Render a chat by the model's own template."""
        return self.model.chat.render(chat_history, generation_prompt=add_generation_prompt)

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **kwargs: Any) -> list[int]:
        """Token ids of a text; templates write their own special tokens, so none is added."""
        return tokenise(self.model, string)

    def _encode_pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
        # Spaces go to the continuation, as everywhere in the harness. A chat's last line break stays: the token that
        # is steered in a prompt is its last one.
        kept = context.rstrip(" ")
        start = tokenise(self.model, kept)
        whole = tokenise(self.model, kept + context[len(kept) :] + continuation)
        return start, whole[len(start) :]

    def _loglikelihood_tokens(self, requests: list[Any], **kwargs: Any) -> list[tuple[float, bool]]:
        pairs = []
        for _, context, ending in requests:
            # What the context cannot hold is cut off at its beginning.
            room = self.max_length + 1 - len(ending)
            pairs.append((context[-room:] if room > 0 else context[-1:], ending[-self.max_length :]))
        with self._within():
            scores = continuations(self.model, pairs)
        return [(score.log_likelihood, score.is_greedy) for score in scores]

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:
        """Log likelihood of whole texts, in windows where they are longer than the context."""
        found = []
        for (text,) in [request.args for request in requests]:
            windows = get_rolling_token_windows(
                token_list=tokenise(self.model, text),
                prefix_token=self.prefix_token_id,
                max_seq_len=self.max_length,
                context_len=1,
            )
            parts = [("", *make_disjoint_window(window)) for window in windows]
            found.append(sum(score for score, _ in self._loglikelihood_tokens(parts)))
        return found

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        """Generate greedily, one prompt after another, up to the first of the stopping texts."""
        found = []
        for context, options in [request.args for request in requests]:
            stops = options.get("until") or []
            stops = [stops] if isinstance(stops, str) else stops
            limit = int(options.get("max_gen_toks", self._max_new_tokens))
            ids = torch.tensor([tokenise(self.model, context)[limit - self.max_length :]], device=self.model.device)
            with self._within(), torch.inference_mode():
                output = self.model.module.generate(
                    ids,
                    attention_mask=torch.ones_like(ids),
                    max_new_tokens=limit,
                    do_sample=False,
                    pad_token_id=self.eot_token_id,
                )
            text = self.tokenizer.decode(output[0, ids.shape[1] :], skip_special_tokens=True)
            found.append(min((text.split(stop)[0] for stop in stops if stop), key=len, default=text))
        return found
