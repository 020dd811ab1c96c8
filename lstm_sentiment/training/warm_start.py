"""Begins training with the weights of another classifier."""

from collections.abc import Sequence
from dataclasses import dataclass

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.model.sentiment_model import SentimentModel


@dataclass(frozen=True)
class StartWeights:
    """A trained model, all of whose weights but the word vectors are taken over.

    Attributes:
        model: The trained model.
        label_names: Its classes in id order. Of those that the new classifier has too, the weights
            are taken over; those of its other classes are drawn.
    """

    model: SentimentModel
    label_names: tuple[str, ...]

    def copy_to(self, network: SentimentModel, label_names: Sequence[str]) -> None:
        """Gives a new model these weights.

        Args:
            network: Another vocabulary is right, other sizes are not.
            label_names: Its classes in id order.

        Raises:
            InvalidInputError: If the sizes are others.
        """
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
        kernel, bias = network.logits.get_weights()
        our_kernel, our_bias = self.model.logits.get_weights()
        shared = [name for name in label_names if name in self.label_names]
        here = [label_names.index(name) for name in shared]
        there = [self.label_names.index(name) for name in shared]
        kernel[:, here], bias[here] = our_kernel[:, there], our_bias[there]
        network.logits.set_weights([kernel, bias])
