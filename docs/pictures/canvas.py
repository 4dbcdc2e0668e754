"""Text and colour for the pictures: SVG that follows the reader's light or dark theme, and is 1,200 px wide."""

from html import escape

FONT = "-apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
# The widths of Helvetica, in thousandths of its size; what isn't here is 556.
NARROW = dict.fromkeys("ijl'|", 222) | dict.fromkeys("ft.,:;!/()[] I", 278) | dict.fromkeys('rk"*-', 350)
WIDE = dict.fromkeys("ABEKPSVXY&", 667) | dict.fromkeys("CDHNRUwGOQ", 735) | dict.fromkeys("mMW%@", 860)
WIDTHS = NARROW | WIDE


def width(text, size):
    """A little more than it takes in the fonts that readers have."""
    return sum(WIDTHS.get(letter, 556) for letter in text) * size / 1000 * 1.06


def fit(text, size, room):
    if width(text, size) <= room:
        return text
    while text and width(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def wrap(text, size, room):
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if width(longer, size) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def text(x, y, content, kind="", anchor=None):
    where = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{x:g}" y="{y:g}"{where} class="{kind}">{escape(content, quote=False)}</text>'


def document(wide, high, title, style, parts):
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:g} {high:g}" width="{wide:g}" height="{high:g}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>text{{font-family:{FONT}}}{style}</style>",
            *parts,
            "</svg>",
            "",
        ]
    )
