"""What a pickle would ask of its reader, looked at before it is read."""

import io
import pickle
import pickletools


def check(file: io.BytesIO) -> None:
    """Refuse a pickle that needs far more memory than it has bytes; nothing is read.

    The unpickler allocates as many places as the highest index of its memo needs.

    Args:
        file: is left where it was.

    Raises:
        pickle.UnpicklingError: an index is beyond the file.
        ValueError: the bytes are no pickle.
    """
    start = file.tell()
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name.endswith("PUT") and int(argument or 0) > len(file.getbuffer()):
            raise pickle.UnpicklingError("a memo index is beyond the file")
    file.seek(start)
