"""The whole way in one call: labelled texts in, an exported version out."""
