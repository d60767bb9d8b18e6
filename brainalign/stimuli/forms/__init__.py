"""Forms of generated problems, one file a family: a form and words give premises and a conclusion."""

from brainalign.stimuli.forms.chains import ChainForm, chain_form, write_syllogism, write_transitive
from brainalign.stimuli.forms.pictures import PICTURE_FORMS, PictureForm, write_pictures
from brainalign.stimuli.forms.propositional import PROPOSITIONAL_FORMS, PropositionalForm, write_propositional

__all__ = [
    "PICTURE_FORMS",
    "PROPOSITIONAL_FORMS",
    "ChainForm",
    "PictureForm",
    "PropositionalForm",
    "chain_form",
    "write_pictures",
    "write_propositional",
    "write_syllogism",
    "write_transitive",
]
