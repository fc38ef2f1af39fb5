"""Draws how training went, from the checkpoint's log, as an SVG for the card.

    plot.py --checkpoint DIR/checkpoint.pt --out training.svg
"""

import argparse
from pathlib import Path

import torch

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 360, 46, 40, 16
SPACINGS, TICKS_MAX = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000), 12
COLORS = {"reply tokens": "#888888", "train-like": "#1b6ca8", "unseen frames": "#3a9d5d", "unseen entities": "#c7811f", "unseen tools": "#b0413e"}


def curves(log):
    """`{name: [(million tokens, percent), ...]}`."""
    lines = {name: [] for name in COLORS}
    for entry in log:
        million = entry["tokens"] / 1e6
        if "right" in entry:
            lines["reply tokens"].append((million, 100 * entry["right"]))
        for name, percent in entry.get("exact", {}).items():
            lines[name].append((million, percent))
    return lines


def svg(lines):
    """The picture: percent over million tokens."""
    end = max(x for line in lines.values() for x, _ in line)
    wide, high = WIDTH - LEFT - 150, HEIGHT - BOTTOM - TOP

    def place(x, y):
        return f"{LEFT + wide * x / end:.1f},{TOP + high * (1 - y / 100):.1f}"

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">']
    for percent in range(0, 101, 20):
        y = TOP + high * (1 - percent / 100)
        parts.append(f'<path d="M{LEFT} {y}h{wide}" stroke="#ddd"/><text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{percent}</text>')
    spacing = next(size for size in SPACINGS if end / size <= TICKS_MAX)
    for million in range(0, int(end) + 1, spacing):
        parts.append(f'<text x="{place(million, 0).split(",")[0]}" y="{HEIGHT - 20}" text-anchor="middle">{million}</text>')
    parts.append(f'<text x="{LEFT + wide / 2}" y="{HEIGHT - 4}" text-anchor="middle">million tokens</text>')
    for number, (name, line) in enumerate(lines.items()):
        if line:
            points = " ".join(place(x, y) for x, y in line)
            parts.append(f'<polyline fill="none" stroke="{COLORS[name]}" stroke-width="2" points="{points}"/>')
        label = name if name == "reply tokens" else f"exact, {name}"
        parts.append(f'<text x="{LEFT + wide + 8}" y="{TOP + 14 + 18 * number}" fill="{COLORS[name]}">{label}</text>')
    return "\n".join([*parts, "</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    saved = torch.load(arguments.checkpoint, weights_only=False, map_location="cpu")
    arguments.out.write_text(svg(curves(saved["log"])))


if __name__ == "__main__":
    main()
