"""Language models: one named builder each, and the type that the rest of the platform asks."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from brainalign.zoo.facts import ModelFacts
from brainalign.zoo.registry import list_models, load_model, model_facts

if TYPE_CHECKING:
    from brainalign.zoo.chat import Chat, Message, check_room
    from brainalign.zoo.language_model import Answers, LanguageModel, Site

__all__ = [
    "Answers",
    "Chat",
    "LanguageModel",
    "Message",
    "ModelFacts",
    "Site",
    "check_room",
    "list_models",
    "load_model",
    "model_facts",
]


def __getattr__(name: str) -> Any:
    """Load what needs torch or problems at their first use, so that listing models stays cheap."""
    if name not in __all__:
        raise AttributeError(f"module 'brainalign.zoo' has no attribute {name!r}; it has {', '.join(__all__)}")
    module = "chat" if name in ("Chat", "Message", "check_room") else "language_model"
    return getattr(import_module(f"brainalign.zoo.{module}"), name)
