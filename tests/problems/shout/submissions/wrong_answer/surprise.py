# hostile: bytes that are no text, NUL and a terminal's commands, to break or colour a report; output is bytes.
import sys

sys.stdout.buffer.write(b"\xff\xfe\x00\xed\xa0\x80\x1b[2J\x1b]0;AC\x07\r\n" + "\u202eCA\n".encode())
