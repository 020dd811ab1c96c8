"""The one rule that turns any Python string into valid UTF-8."""


def replace_surrogates(text: str) -> str:
    r"""Makes a string encodable as UTF-8.

    A surrogate pair that was read as two code points becomes the character that it stands for;
    each surrogate without a partner becomes U+FFFD. Strings with neither come back as they are.

    Args:
        text: Any string, for example one read from JSON, where `"\ud800"` is legal.

    Returns:
        The string without surrogates.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        pass
    else:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
