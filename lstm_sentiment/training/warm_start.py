"""First weights taken from another classifier."""

from collections.abc import Sequence
from dataclasses import dataclass

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.model.sentiment_model import SentimentModel


@dataclass(frozen=True)
class StartWeights:
    """A trained model whose weights, except its word vectors, a new model begins with.

    Attributes:
        model: The trained model.
        label_names: Its classes in id order. The weights of classes are matched by name; those of
            new classes are drawn.
    """

    model: SentimentModel
    label_names: tuple[str, ...]

    def copy_to(self, network: SentimentModel, label_names: Sequence[str]) -> None:
        """Copies the weights to a new model of the same sizes, whose classes are `label_names`.

        Raises:
            InvalidInputError: If the sizes differ.
        """
        if len(self.model.members) != len(network.members):
            raise InvalidInputError(
                f"A classifier to begin with must have {len(network.members)} members, as the new "
                f"one. Received: {len(self.model.members)}."
            )
        for ours, theirs in zip(
            self.model.layers_below_logits(), network.layers_below_logits(), strict=False
        ):
            weights = ours.get_weights()
            expected = [tuple(weight.shape) for weight in theirs.weights]
            if [weight.shape for weight in weights] != expected:
                raise InvalidInputError(
                    "A classifier to begin with must have the same model sizes and width of word "
                    f"vectors. Received: another {ours.name}."
                )
            theirs.set_weights(weights)
        shared = [name for name in label_names if name in self.label_names]
        here = [label_names.index(name) for name in shared]
        there = [self.label_names.index(name) for name in shared]
        for member, other in zip(self.model.members, network.members, strict=True):
            kernel, bias = other.logits.get_weights()
            our_kernel, our_bias = member.logits.get_weights()
            kernel[:, here], bias[here] = our_kernel[:, there], our_bias[there]
            other.logits.set_weights([kernel, bias])
