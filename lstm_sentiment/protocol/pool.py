"""The descriptor pool of the messages in this package."""

from google.protobuf import any_pb2, wrappers_pb2
from google.protobuf.descriptor_pool import DescriptorPool

POOL = DescriptorPool()
"""TensorFlow puts messages of the same full names into the default pool, where none may stand
twice."""

for _module in (any_pb2, wrappers_pb2):
    POOL.AddSerializedFile(_module.DESCRIPTOR.serialized_pb)
