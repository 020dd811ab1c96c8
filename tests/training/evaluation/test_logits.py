import tensorflow as tf

from lstm_sentiment.training.evaluation.logits import logits_function
from lstm_sentiment.training.inputs.token_rows import TokenRows


def test_logits_come_in_the_order_of_the_texts() -> None:
    rows = [[7] * length for length in (3, 1, 5, 2, 4)]

    def count_tokens(padded: tf.Tensor, training: bool) -> tf.Tensor:
        return tf.reduce_sum(tf.cast(padded > 0, tf.float32), axis=1, keepdims=True)

    logits = logits_function(count_tokens, batch_size=2)(TokenRows.from_lists(rows))
    assert logits[:, 0].tolist() == [3, 1, 5, 2, 4]
