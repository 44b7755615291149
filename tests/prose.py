"""Which numbers a notebook's prose states, and whether its cells bear them out.

A number in the prose is borne out when it is an integer up to 12, or stands in the notebook's code, or equals a printed
number after rounding to the prose's own digits, or belongs to a paragraph with a citation. Signs are not compared:
what "loses 1.6 decades" was printed as -1.6.

>>> [number.text for number in numbers("Xavier leaves $5.9 \\\\cdot 10^{-19}$ of it, which is 1,000 times less.")]
['5.9*10^{-19}', '1000']
>>> unsupported("It keeps 0.236 a layer.", printed=numbers("0.23571"), literals=[])
[]
>>> unsupported("It keeps 0.238 a layer.", printed=numbers("0.23571"), literals=[])
['0.238']
"""

import io
import re
import tokenize
from dataclasses import dataclass
from decimal import Decimal

SMALL_INTEGER = 12
SLACK = Decimal("1.000001")  # a printed 0.25 may be 0.24999... in binary
HEDGES = re.compile(
    r"\b(about|almost|around|nearly|roughly|some|over|under|above|below|than|within|order of)\s*\W*$|[~≈<>≤≥]\s*$",
    re.I,
)
REFERENCES = re.compile(
    r"(?:\b(?:chapters?|sections?|sect?\.|figures?|figs?\.|tables?|equations?|eqs?\.|exercises?|pages?|pp?\.|theorems?|lemmas?"
    r"|appendix|algorithms?|arxiv|python|version|CC BY)|§)[\s~:]*\d+(?:\.\d+)*(?:(?:\s*(?:to|and|,|–|-)\s*)\d+(?:\.\d+)*)*",
    re.I,
)
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
TOKEN = re.compile(
    r"(?<![\w.])(?<![A-Za-z]{2}-)(?:"
    r"(?P<mantissa>\d+(?:\.\d+)?)\*10\^\{?(?P<exponent>-?\d+(?:\.\d+)?)\}?"
    r"|10\^\{?(?P<power>-?\d+(?:\.\d+)?)\}?"
    r"|(?P<scientific>\d+(?:\.\d+)?[eE][-+]?\d+)"
    r"|(?P<plain>\d+(?:\.\d+)?)(?P<percent>\s*(?:%|per ?cent\b))?"
    r")"
)


@dataclass(frozen=True)
class Number:
    """A number as it stands in a text.

    text: as written. value: its size, without sign. place: the size of one unit in its last written digit.
    exponent: of a bare power of ten, else None. hedged: "about" or the like stands before it. percent: a % behind it.
    """

    text: str
    value: Decimal
    place: Decimal
    exponent: Decimal | None = None
    hedged: bool = False
    percent: bool = False


def numbers(text: str) -> list[Number]:
    """Every number in a piece of prose, of TeX or of printed output, in order."""
    text, found = normal(text), []
    for match in TOKEN.finditer(text):
        part = match.groupdict()
        hedged = bool(HEDGES.search(text[max(0, match.start() - 24) : match.start()]))
        if part["power"] or (part["exponent"] and "." in part["exponent"]):
            exponent = Decimal(part["power"] or part["exponent"])
            value = Decimal(10) ** exponent * Decimal(part["mantissa"] or 1)
            found.append(Number(match[0], value, value, exponent, hedged))
            continue
        written = f"{part['mantissa']}e{part['exponent']}" if part["mantissa"] else part["scientific"] or part["plain"]
        value = Decimal(written)
        found.append(
            Number(match[0], value, Decimal((0, (1,), value.as_tuple().exponent)), None, hedged, bool(part["percent"]))
        )
    return found


def normal(text: str) -> str:
    """One spelling for what Markdown, HTML, TeX and print write differently."""
    text = re.sub(r"<sup>(.*?)</sup>", r"^{\1}", text)
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda match: "^{" + match[0].translate(SUPERSCRIPTS) + "}", text)
    text = re.sub(r"</?[A-Za-z][^<>]*>", " ", text)
    text = text.replace("−", "-").replace("{,}", ",").replace(r"\%", "%").replace(r"\$", " ")
    text = re.sub(r"\\[tdc]?frac\s*(\d)\s*(\d)", r" \1/\2 ", text)
    text = re.sub(r"\\(?:times|cdot)(?![A-Za-z])|·|×", "*", text)
    text = re.sub(r"(?<=\d)(?:\\[,;:! ]|[\u2009\u202f\u00a0])(?=\d{3}(?!\d))", "", text)  # thin space between thousands
    text = re.sub(r"\\[,;:! ]|[\u2009\u202f\u00a0~]", " ", text)
    text = re.sub(r"\\(?:sim|approx|lesssim|gtrsim|leq?|geq?|lt|gt)(?![A-Za-z])", "≈", text)
    text = re.sub(r"\\[A-Za-z]+", " ", text)
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    return re.sub(r"\s*\*\s*10\s*\^\s*", "*10^", text)


def paragraphs(markdown: str) -> list[str]:
    """The pieces of a Markdown cell that state numbers of their own: no code, no cited paragraph, no "chapter 14"."""
    markdown = re.sub(r"^(```+|~~~+)(?!\{)[^\n]*\n.*?^\1[ \t]*$", "", markdown, flags=re.M | re.S)  # code
    markdown = re.sub(r"<!--.*?-->", "", markdown, flags=re.S)
    markdown = re.sub(
        r"^(?:```+|:::+)\{[^\n]*\}(.*)$", r"\1", markdown, flags=re.M
    )  # a directive's opening, but not its title
    markdown = re.sub(r"^(?::[\w-]+:.*|```+|:::+|\([\w-]+\)=)\s*$", "", markdown, flags=re.M)  # options, fences, labels
    kept = []
    for block in re.split(r"\n\s*\n", markdown):
        if "{cite" in block:
            continue
        block = re.sub(r"^(#+)\s+\d+(?:\.\d+)*\.?\s", r"\1 ", block, flags=re.M)  # the number of a section
        block = re.sub(r"\$\$\s*\([\w-]+\)", "$$", block)  # the label of an equation
        block = re.sub(r"(?:\{[\w:-]+\})?(`+).*?\1", " ", block, flags=re.S)  # inline code and roles
        block = re.sub(
            r"\[[^\]]*\]\([^)\s]*\.ipynb\)", " ", block
        )  # the title of a chapter, whose numbers it prints itself
        block = re.sub(r"\]\([^)\s]*\)", "] ", block)  # targets of links
        block = re.sub(r"https?://\S+", " ", block)
        block = re.sub(r"^\s*\d+[.)]\s", " ", block, flags=re.M)  # numbered lists
        kept.append(REFERENCES.sub(" ", block))
    return kept


def literals(code: str) -> list[Decimal]:
    """Every number written in Python code, those inside its strings included."""
    found = []
    lines = [line for line in code.split("\n") if not line.lstrip().startswith(("%", "!"))]
    for token in tokenize.generate_tokens(io.StringIO("\n".join(lines) + "\n").readline):
        if token.type == tokenize.NUMBER:
            plain = token.string.replace("_", "").rstrip("jJ")
            found.append(Decimal(int(plain, 0)) if re.fullmatch(r"0[xXoObB].*", plain) else Decimal(plain))
        elif token.type not in (tokenize.COMMENT, tokenize.OP, tokenize.NAME):
            found += [number.value for number in numbers(token.string)]
    return found


def unsupported(markdown: str, printed: list[Number], literals: list[Decimal]) -> list[str]:
    """The numbers of a Markdown cell that nothing bears out, as written."""
    stated = [number for paragraph in paragraphs(markdown) for number in numbers(paragraph)]
    return [number.text for number in stated if not supported(number, printed, literals)]


def supported(number: Number, printed: list[Number], literals: list[Decimal]) -> bool:
    """Whether a number is small and whole, or written in the code, or printed in the same or more digits."""
    sizes = [(number.value, number.place)]
    if number.percent:
        sizes.append((number.value / 100, number.place / 100))
    if any(abs(literal) == size for literal in literals for size, _ in sizes):
        return True
    if number.exponent is not None:
        return any(_is_power(other, number) for other in printed)
    if (
        number.value <= SMALL_INTEGER
        and number.value == int(number.value)
        and "." not in number.text
        and not number.percent
    ):
        return True
    digits = _padded_digits(number)
    for other in printed:
        if any(abs(other.value - size) <= place / 2 * SLACK for size, place in sizes):
            return True
        if digits and abs(_rounded(other.value, digits) - number.value) == 0:
            return True
    return False


def _padded_digits(number: Number) -> int:
    """How many digits of an integer that ends in zeros count; 0 when it must be taken as exact.

    Zeros at the end may be digits or padding: 3,500 may round 3,530. One digit and zeros, as in 100, needs "about".
    """
    written = str(int(number.value))
    counted = len(written.rstrip("0"))
    if number.place != 1 or counted in (0, len(written)) or (counted == 1 and not number.hedged):
        return 0
    return counted


def _rounded(value: Decimal, digits: int) -> Decimal:
    """A value rounded to so many significant digits."""
    return Decimal(f"{value:.{digits - 1}e}")


def _is_power(other: Number, number: Number) -> bool:
    """Whether a printed number is this power of ten, or its decimal logarithm, to the exponent's own digits."""
    half = Decimal((0, (1,), number.exponent.as_tuple().exponent)) / 2 * SLACK
    if other.place < 1 and abs(other.value - abs(number.exponent)) <= half:
        return True
    return other.value > 0 and abs(other.value.log10() - number.value.log10()) <= half
