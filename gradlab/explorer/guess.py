"""The guess box: a question with a number for an answer, asked before the answer is shown.

Predicting first helps to remember, even when the prediction is wrong. The box says how many decades the guess was off,
and only then the measured value. No score, nothing stored.
"""

import math
import re
from dataclasses import dataclass
from html import escape
from typing import Any, ClassVar

from gradlab.explorer.core import WORDS, plain, script, static_folder
from gradlab.style import power

_WORDS = {"ten": 1, "hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}


_PLAIN = r"(\d+\.?\d*|\.\d+)(?:e([+-]?\d+))?"
_TEN = r"10\s*(?:\^|\*\*)\s*\(?([+-]?\d+\.?\d*)\)?"


def decades(text: str) -> float | None:
    """log10 of a number as a person writes it; None when it does not read as a positive number.

    >>> [round(decades(t), 3) for t in ("1e-9", "10^-9", "0.001", "1 in a billion", "1/1000", "3 * 10^-4", "1,000")]
    [-9.0, -9.0, -3.0, -9.0, -3.0, -3.523, 3.0]
    >>> decades("no idea") is None
    True
    """
    text = text.strip().lower().replace("−", "-").replace(",", "").replace("·", "*").replace("×", "*")
    if match := re.fullmatch(r"(?:1|one|a) in (?:a |one )?(.+)", text):
        many = _WORDS[match[1]] if match[1] in _WORDS else decades(match[1])
        return None if many is None else -float(many)
    if match := re.fullmatch(_TEN, text):
        return float(match[1])
    if match := re.fullmatch(rf"{_PLAIN}\s*\*\s*{_TEN}", text):
        return _sum(_log10(*match.group(1, 2)), float(match[3]))
    if match := re.fullmatch(rf"{_PLAIN}\s*/\s*{_PLAIN}", text):
        below = _log10(*match.group(3, 4))
        return None if below is None else _sum(_log10(*match.group(1, 2)), -below)
    if match := re.fullmatch(rf"{_PLAIN}\s*(%?)", text):
        return _sum(_log10(*match.group(1, 2)), -2.0 if match[3] else 0.0)
    return None


def _log10(digits: str, exponent: str | None) -> float | None:
    """log10 of digits times ten to the exponent, also past the range of floats; None for zero."""
    return math.log10(float(digits)) + float(exponent or 0) if float(digits) > 0 else None


def _sum(first: float | None, second: float) -> float | None:
    return None if first is None else first + second


@dataclass(frozen=True)
class Guess:
    """A question whose answer is a positive number.

    question: HTML, one sentence that brackets the answer. log10_answer: decimal logarithm of the measured value.
    explanation: HTML shown with the answer: the commonest wrong answers and the thought behind each. explorer, x,
    state: where the guess is drawn as an open diamond; leave them out to draw it nowhere.
    """

    name: str
    question: str
    log10_answer: float
    explanation: str = ""
    explorer: str | None = None
    x: float | None = None
    state: dict[str, Any] | None = None

    def __post_init__(self):
        if not math.isfinite(self.log10_answer):
            raise ValueError(f"log10_answer of guess {self.name!r}: got {self.log10_answer}, expected a finite number")

    #: (rule, sentence): the page's script uses the same ones, in the same order
    ANSWERS: ClassVar = {
        "close": "You said {guess}; it is {answer}. That is within half a power of ten.",
        "high": "You said {guess}; it is {answer}: your guess is {decades} powers of ten too large.",
        "low": "You said {guess}; it is {answer}: your guess is {decades} powers of ten too small.",
        "shown": "It is {answer}.",
    }

    def answer(self, text: str | None) -> str:
        """What the box says to a guess, or to "Show me" (None)."""
        if text is None:
            said = self.ANSWERS["shown"].format(answer=power(self.log10_answer))
        elif (guessed := decades(text)) is None:
            return WORDS["unread"]
        else:
            off = guessed - self.log10_answer
            kind = "close" if abs(off) <= 0.5 else "high" if off > 0 else "low"
            said = self.ANSWERS[kind].format(
                guess=power(guessed), answer=power(self.log10_answer), decades=f"{abs(off):.1f}"
            )
        return f"{said} {self.explanation}".strip()

    def _longest(self) -> str:
        """The longest answer: its place is kept from the start, so that showing one moves nothing."""
        longest = self.ANSWERS["high"].format(guess=power(-10.5), answer=power(self.log10_answer), decades="100.0")
        return plain(f"{longest} {self.explanation}")

    def __repr__(self) -> str:
        return f"Guess({self.name!r})"

    def html(self) -> str:
        """The static form."""
        data = {
            "log10": self.log10_answer, "answer": power(self.log10_answer), "explanation": self.explanation,
            "answers": self.ANSWERS, "unread": WORDS["unread"],
            "explorer": self.explorer, "x": self.x, "state": self.state,
        }  # fmt: skip
        field = (
            '<input type="text" name="guess" inputmode="text" autocomplete="off" spellcheck="false" placeholder="1e-9" '
            'data-lm-suppress-shortcuts="true">'
        )
        return "\n".join(
            [
                f'<form class="gl-guess" data-guess="{escape(self.name)}">',
                f"<p>{self.question}</p>",
                f'<div class="gl-guess-row"><label><span>{WORDS["guess"]}</span>{field}</label>'
                f'<button type="submit">{WORDS["check"]}</button>'
                f'<button type="button" class="gl-show">{WORDS["show"]}</button></div>',
                f'<p class="gl-answer" role="status" data-reserve="{escape(self._longest())}"></p>',
                f"<noscript><p>{self.answer(None)}</p></noscript>",
                f"{script(data)}</form>",
            ]
        )

    def _live(self):
        import ipywidgets

        field = ipywidgets.Text(description=WORDS["guess"], placeholder="1e-9", continuous_update=False)
        check, show = (ipywidgets.Button(description=WORDS[word]) for word in ("check", "show"))
        answer = ipywidgets.HTML()
        check.on_click(lambda _: setattr(answer, "value", self.answer(field.value)))
        field.observe(lambda _: setattr(answer, "value", self.answer(field.value)), names="value")
        show.on_click(lambda _: setattr(answer, "value", self.answer(None)))
        return ipywidgets.VBox([ipywidgets.HTML(self.question), ipywidgets.HBox([field, check, show]), answer])

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        if static_folder():
            return {"text/plain": repr(self), "text/html": self.html()}
        return self._live()._repr_mimebundle_() | {"text/plain": repr(self)}
