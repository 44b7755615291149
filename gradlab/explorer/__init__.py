"""The explorer: a pure function of a few controls, a figure and a sentence, shown in two forms.

With a kernel it is made of ipywidgets and a plotly ``FigureWidget`` (``live``). On a built page it is plain HTML, a
table of every state and one small script (``static``, ``table``, ``explorer.js``). Both forms come from the same three
functions, so that they cannot disagree.
"""

from gradlab.explorer.core import VERDICTS, Explorer, Menu, PlotlyMime, Poster, Preset, Sentence, Slider
from gradlab.explorer.guess import Guess

__all__ = ["VERDICTS", "Explorer", "Guess", "Menu", "PlotlyMime", "Poster", "Preset", "Sentence", "Slider"]
