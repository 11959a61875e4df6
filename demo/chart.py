"""Loss and delay of the call without and with marks: a table, and a chart as SVG. Usage: chart.py FOLDER"""

import sys
from pathlib import Path

folder = Path(sys.argv[1])
width, height, left, bottom = 760, 300, 60, 40
colours = {"without": "#b3261e", "with": "#1b6e3c"}
runs = {}
for name in colours:
    rows = [line.split() for line in (folder / f"{name}.txt").read_text().splitlines()]
    sent = int((folder / f"{name}.sent").read_text())
    upload = float((folder / f"{name}.upload").read_text())
    runs[name] = (sent, upload, [(int(number), float(delay)) for number, delay in rows])

print("| marks | sent | lost | delay, median | 99th of 100 | TCP beside it |")
print("| --- | --- | --- | --- | --- | --- |")
for name, (sent, upload, rows) in runs.items():
    delays = sorted(delay for _, delay in rows)
    at = lambda share: f"{delays[min(len(delays) - 1, int(share * len(delays)))]:.2f} ms" if delays else "-"
    print(f"| {name} | {sent} | {100 * (1 - len(rows) / sent):.1f} % | {at(0.5)} | {at(0.99)} | {upload:.1f} Mbit/s |")

longest = max([delay for *_, rows in runs.values() for _, delay in rows] + [1])
# The next larger number that four steps divide into round ones.
longest = next(step * 4 for step in (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 5000, 25000) if step * 4 >= longest)
last = max(sent for sent, *_ in runs.values())
x = lambda number: left + number / last * (width - left - 20)
y = lambda delay: height - bottom - delay / longest * (height - bottom - 30)
parts = [
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
    f'<rect width="{width}" height="{height}" fill="#fff"/>',
    f'<text x="{left}" y="18">delay of a call&#8217;s packets through 10 Mbit/s beside a flood of 12 Mbit/s and four TCP uploads</text>',
]
for step in range(5):
    value = longest * step / 4
    parts.append(f'<line x1="{left}" x2="{width - 20}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#ddd"/>')
    parts.append(f'<text x="{left - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.0f} ms</text>')
for step in range(5):
    number = last * step / 4
    parts.append(f'<text x="{x(number):.1f}" y="{height - bottom + 16}" text-anchor="middle">{number / 50:.0f} s</text>')
for index, (name, (sent, _, rows)) in enumerate(runs.items()):
    dots = "".join(f"M{x(number):.1f} {y(delay):.1f}h1.6" for number, delay in rows)
    parts.append(f'<path d="{dots}" stroke="{colours[name]}" stroke-width="2" fill="none"/>')
    lost = 100 * (1 - len(rows) / sent)
    label = f"{name} marks: {lost:.1f} % lost"
    parts.append(f'<text x="{left + 220 * index}" y="{height - 6}" fill="{colours[name]}">{label}</text>')
parts.append("</svg>")
(folder / "delay.svg").write_text("\n".join(parts) + "\n")
print(f"\nchart: {folder / 'delay.svg'}")
