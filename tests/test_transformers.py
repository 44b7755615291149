"""Theory of a transformer's stream, against PyTorch's own layers."""

import numpy as np
import pytest
import torch

from gradlab.theory import transformer_profile

WIDTH, TOKENS, LAYERS, SEEDS = 128, 8, 6, 6


def blocks(position, seed):
    """The layers of `gradlab.theory.transformers`: one head, queries and keys 0, the other entries N(0, 1/d)."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(LAYERS):
        block = torch.nn.TransformerEncoderLayer(
            WIDTH, 1, WIDTH, 0.0, norm_first=position == "before", batch_first=True, bias=False, dtype=torch.float64
        )
        values = torch.cat([torch.zeros(2 * WIDTH, WIDTH), torch.randn(WIDTH, WIDTH, generator=generator) / WIDTH**0.5])
        with torch.no_grad():
            block.self_attn.in_proj_weight.copy_(values)
            block.self_attn.out_proj.weight.copy_(torch.eye(WIDTH))
            for linear in (block.linear1, block.linear2):
                torch.nn.init.normal_(linear.weight, std=WIDTH**-0.5, generator=generator)
        yield block


def measured(position, seed):
    """Mean square and mean cosine of the tokens after every block, (2, L), and the norm of the last W_2's gradient."""
    h = torch.randn(1, TOKENS, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(100 + seed))
    found = []
    for block in blocks(position, seed):
        h = block(h)
        tokens = h[0].detach().numpy()
        square, mean = np.mean(tokens**2), np.mean(tokens.mean(axis=0) ** 2)
        found.append((square, (TOKENS * mean / square - 1) / (TOKENS - 1)))
    out = torch.nn.functional.layer_norm(h, (WIDTH,)) if position == "before" else h
    coming_in = torch.randn(WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(200 + seed))
    (out[0, 0] @ (coming_in / coming_in.norm())).backward()
    return np.transpose(found), float(block.linear2.weight.grad.norm())


@pytest.mark.parametrize("position", ["before", "after"])
def test_stream_and_last_gradient_are_those_of_pytorch(position):
    profile = transformer_profile(LAYERS, TOKENS, position)
    runs = [measured(position, seed) for seed in range(SEEDS)]
    square, cosine = np.mean([streams for streams, _ in runs], axis=0)
    assert square == pytest.approx(profile.mean_square, rel=0.1)
    assert cosine == pytest.approx(profile.cosine, abs=0.06)
    last = np.mean([gradient**2 for _, gradient in runs]) ** 0.5
    assert last == pytest.approx((WIDTH / 2) ** 0.5 / profile.last_rms, rel=0.1)


@pytest.mark.parametrize(("tokens", "cosine"), [(1, 0.0), (4, 0.0), (1000, 0.0), (4, 1.0)])
def test_the_stream_keeps_within_the_published_bounds(tokens, cosine):
    ell = np.arange(1, 41)
    profile = transformer_profile(40, tokens, cosine=cosine)
    assert (profile.mean_square >= 1 + ell / 2).all() and (profile.mean_square <= 1 + 3 * ell / 2).all()


def test_one_token_or_equal_tokens_take_the_upper_bound():
    assert transformer_profile(8, 1).mean_square[-1] == pytest.approx(13)
    assert transformer_profile(8, 5, cosine=1.0).mean_square[-1] == pytest.approx(13)
    assert transformer_profile(8, 5, cosine=1.0).cosine == pytest.approx(np.ones(8))


def test_after_the_sum_everything_is_level_but_the_tokens():
    profile = transformer_profile(32, 16, "after")
    assert profile.mean_square == pytest.approx(np.ones(32)) and profile.last_rms == pytest.approx(1.5**0.5)
    assert (np.diff(profile.cosine) >= 0).all() and profile.cosine[-1] > 0.999


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"layers": 0}, "layers = 0"),
        ({"tokens": 2.5}, "tokens = 2.5"),
        ({"position": "between"}, "position = 'between'"),
        ({"cosine": -0.1}, "cosine = -0.1"),
    ],
)
def test_wrong_arguments_are_named(arguments, told):
    with pytest.raises(ValueError, match=told):
        transformer_profile(**({"layers": 2, "tokens": 4} | arguments))
