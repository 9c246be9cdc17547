"""Parameters that several algorithms have: one name, one type and one help text each."""

from __future__ import annotations

from typing import Annotated, Literal

from pmlcli.algorithms._interface.param import Param

Attributes = Annotated[
    tuple[str, ...] | None,
    Param("Columns to use besides activity and resource; none: chosen by their content."),
]
BatchSize = Annotated[int, Param("Samples per training step.", ge=1)]
DrawCount = Annotated[int, Param("How many continuations to draw for each case.", ge=1, le=1000)]
Dropout = Annotated[float, Param("Share of inputs and units dropped in training.", ge=0, lt=1)]
Embedding = Annotated[int, Param("Size of the embedding of an activity or another value.", ge=1, le=1024)]
Estimators = Annotated[
    int,
    Param(
        "Number of trees, for each class or quantile if there are several; the maximum, if held-out cases "
        "decide.",
        ge=1,
        le=10_000,
    ),
]
"""The parameter `n_estimators`."""
Heads = Annotated[int, Param("Number of attention heads; must divide `hidden_size`.", ge=1, le=64)]
HiddenSize = Annotated[int, Param("Width of the network's hidden layers.", ge=1, le=4096)]
InterCase = Annotated[bool, Param("Also use open cases, arrivals and work load as features.")]
LatentSize = Annotated[int, Param("How many numbers a case is encoded in.", ge=1, le=1024)]
Layers = Annotated[int, Param("Number of attention layers.", ge=1, le=24)]
LearningRate = Annotated[float, Param("Step size of training; for trees, the weight of each.", gt=0, le=1)]
Least = Annotated[int, Param("Fewest training prefixes that a context or state needs.", ge=1)]
MaxDepth = Annotated[int, Param("Depth of each tree.", ge=1, le=12)]
MaxEpochs = Annotated[int, Param("Maximum number of passes over the training part.", ge=1)]
MemberNames = Annotated[tuple[str, ...], Param("Algorithms to combine or choose from.")]
MostRows = Annotated[int, Param("Maximum number of prefixes to learn from.", ge=100)]
Patience = Annotated[int, Param("Epochs without improvement before training stops.", ge=1, unit="epochs")]
Recency = Annotated[
    Literal["off", "on", "auto"],
    Param("Whether late cases count more than early ones; auto: what predicts the latest cases better."),
]
"""The parameter `recency` of every algorithm that may give late cases more weight."""
