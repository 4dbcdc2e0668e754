// PNG with a palette: a third of the size of a browser's screenshot.

import { crc32 } from "./crc.mjs";
import { deflateSync } from "node:zlib";

const COLOURS = 256;

/** Encodes pixels of four bytes with the most frequent colours; any other becomes the nearest of them. */
export function encoded(pixels, width, height) {
  const counts = new Map();
  const colour = (at) => (pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2];
  for (let at = 0; at < pixels.length; at += 4) counts.set(colour(at), (counts.get(colour(at)) ?? 0) + 1);
  const palette = [...counts].sort((a, b) => b[1] - a[1]).slice(0, COLOURS).map(([value]) => value);
  const nearest = new Map(palette.map((value, index) => [value, index]));
  const parts = (value) => [value >> 16, (value >> 8) & 255, value & 255];
  const find = (value) => {
    if (!nearest.has(value)) {
      const [r, g, b] = parts(value);
      const distance = (other) => parts(other).reduce((sum, part, n) => sum + (part - [r, g, b][n]) ** 2, 0);
      nearest.set(value, palette.reduce((best, other, index) => (distance(other) < distance(palette[best]) ? index : best), 0));
    }
    return nearest.get(value);
  };
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) rows[y * (width + 1) + x + 1] = find(colour((y * width + x) * 4));
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  // Eight bits for a pixel, each the index of a colour.
  head.set([8, 3, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", head), chunk("PLTE", Buffer.from(palette.flatMap(parts))), chunk("IDAT", deflateSync(rows, { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(name, data) {
  const content = Buffer.concat([Buffer.from(name), data]);
  const framed = Buffer.alloc(content.length + 8);
  framed.writeUInt32BE(data.length, 0);
  content.copy(framed, 4);
  framed.writeUInt32BE(crc32(content), content.length + 4);
  return framed;
}
