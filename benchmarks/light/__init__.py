"""What answering costs without TensorFlow, beside an older commit that needs it."""
