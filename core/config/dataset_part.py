"""Part 3 of the config: which rows are learned, and how they are read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import model_validator

from core.config.part import Part, ShortText, described


class DatasetPart(Part):
    """Part 3, Dataset & dataloader: how the rows are read and ordered."""

    format: Annotated[
        Literal[
            "auto", "messages", "alpaca", "sharegpt", "conversation", "moss", "oasst1", "columns"
        ],
        described("Layout of the data file; “auto” looks at the first row."),
    ] = "auto"
    input_text: Annotated[
        tuple[ShortText, ...],
        described(
            "For the format “columns”: the question, with {name} for the value of a column; "
            "several make several conversations of each row.",
            min_length=1,
            max_length=4,
        ),
    ] = ("{input}",)
    output_text: Annotated[
        tuple[ShortText, ...],
        described(
            "For the format “columns”: the answers, one for each of input_text.",
            min_length=1,
            max_length=4,
        ),
    ] = ("{output}",)
    system_text: Annotated[
        str,
        described("For the format “columns”: the system text; empty for none.", max_length=4000),
    ] = ""
    max_rows: Annotated[
        int, described("Rows that are read at most, from the start.", ge=1, le=200_000)
    ] = 200_000
    max_copies: Annotated[
        int,
        described(
            "Equal copies of a row that are learned at most in an epoch; 0 is all.",
            ge=0,
            le=200_000,
        ),
    ] = 0
    max_replay: Annotated[
        float,
        described(
            "Replay rows for each other row, at most; the first are taken, 0 is all.", ge=0, le=1000
        ),
    ] = 0.0
    shuffle: Annotated[bool, described("New order in every epoch.")] = True
    collapse_duplicates: Annotated[
        bool,
        described(
            "Compute equal rows of a step once, with their weight: "
            "the same training, faster (dropout 0)."
        ),
    ] = True
    kl_weight: Annotated[
        float,
        described(
            "How strongly replay rows hold the model to its old answers; 0 is off.", ge=0, le=100
        ),
    ] = 0.0
    kl_reverse: Annotated[
        float,
        described(
            "Share of that hold which is KL(tuned ‖ base), not KL(base ‖ tuned): it punishes words "
            "that the base would hardly say, such as the persona's names.",
            ge=0,
            le=1,
        ),
    ] = 0.0
    opening_weight: Annotated[
        float,
        described(
            "How much more the first four tokens of a learned answer count than the others: they "
            "decide between yes and no, and which fact is told. 1 is off.",
            ge=1,
            le=100,
        ),
    ] = 1.0

    @model_validator(mode="after")
    def _texts_pair(self) -> DatasetPart:
        if len(self.input_text) != len(self.output_text):
            raise ValueError("dataset.output_text needs as many texts as dataset.input_text")
        return self
