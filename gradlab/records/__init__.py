"""What crosses a border between modules: frozen dataclasses of float64 arrays.

Everything that grows or decays geometrically is held as log10. A float64 ends at 1e-308, a deep net does not.

profiles     one network, layer by layer
chain        a chain of single neurons
shattering   gradients by the input, along a line
slopes       slopes of activations, side by side, on one link and by width
networks     many networks of one kind: medians, bands and theory
convolution  a convolution as a matrix; networks of convolutions
products     products of random matrices, and where number formats end
recurrence   Jacobians through time; powers of one matrix
cells        what recurrent cells leave of a gradient
gates        the gates of trained cells over one sequence
sequences    what recurrent networks have learnt of sequences
phases       the phase diagram of deep layers
clipping     gradient descent on a cliff, with and without clipping
normalization  networks with and without normalization at the start
residual     residual networks at the start
deep_linear  deep linear networks that learn one mode
pretraining  networks trained one layer at a time, and then as a whole
sweeps       networks with their remedies, and what training made of them
remedies     a table of them, and the layers of one of its cells
base         what the records share
"""

from gradlab.records.cells import CellsRecord, ForgetBiasRecord
from gradlab.records.chain import ChainRecord, NudgeSizes
from gradlab.records.clipping import CliffDescent, ClippingRecord
from gradlab.records.convolution import ConvolutionRecord, MatrixRecord
from gradlab.records.deep_linear import LearningTimeRecord, LinearDescent
from gradlab.records.gates import GatesRecord
from gradlab.records.networks import GapRecord, GradientsRecord, SpeedRecord, ZooRecord
from gradlab.records.normalization import NormalizationRecord
from gradlab.records.phases import PhaseRecord, Start
from gradlab.records.pretraining import FineTuning, Pretraining
from gradlab.records.products import NumbersEnd, OverflowRecord
from gradlab.records.profiles import QUANTITIES, DepthProfiles, LayerProfile, SignalProfile
from gradlab.records.recurrence import GradientTerms, JacobianProfile, NonnormalityRecord, PowerNorms, PowersRecord
from gradlab.records.remedies import RemediesRecord
from gradlab.records.residual import ResidualRecord
from gradlab.records.sequences import LearntRecord
from gradlab.records.shattering import LineGradients
from gradlab.records.slopes import SlopesRecord, WidthRecord, WindowRecord
from gradlab.records.sweeps import Configuration, Outcome, Protocol, SweepRecord, combinations

__all__ = [
    "QUANTITIES",
    "CellsRecord",
    "ChainRecord",
    "CliffDescent",
    "ClippingRecord",
    "Configuration",
    "ConvolutionRecord",
    "DepthProfiles",
    "FineTuning",
    "ForgetBiasRecord",
    "GapRecord",
    "GatesRecord",
    "GradientTerms",
    "GradientsRecord",
    "JacobianProfile",
    "LayerProfile",
    "LearningTimeRecord",
    "LearntRecord",
    "LineGradients",
    "LinearDescent",
    "MatrixRecord",
    "NonnormalityRecord",
    "NormalizationRecord",
    "NudgeSizes",
    "NumbersEnd",
    "Outcome",
    "OverflowRecord",
    "PhaseRecord",
    "PowerNorms",
    "PowersRecord",
    "Pretraining",
    "Protocol",
    "RemediesRecord",
    "ResidualRecord",
    "SignalProfile",
    "SlopesRecord",
    "SpeedRecord",
    "Start",
    "SweepRecord",
    "WidthRecord",
    "WindowRecord",
    "ZooRecord",
    "combinations",
]
