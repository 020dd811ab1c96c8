"""TensorFlow Serving's messages and services without TensorFlow.

The `.proto` files here describe the messages; `generate` makes the `*_pb2` modules from
them. Their messages have TensorFlow's full names, such as `tensorflow.TensorProto`, and the same
bytes, but lie in a descriptor pool of their own: a process may import TensorFlow too.
"""
