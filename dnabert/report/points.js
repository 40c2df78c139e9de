// Points on a canvas, written into its pixels one by one: that needs no graphics card, and 200,000 take a few milliseconds.
window.dnabertPoints = (() => {
  "use strict";
  // Shapes in a box from -1 to 1, y downwards.
  const inside = {
    circle: (u, v) => u * u + v * v <= 1,
    diamond: (u, v) => Math.abs(u) + Math.abs(v) <= 1.2,
    "triangle-up": (u, v) => v <= 0.8 && Math.abs(u) <= (v + 1.1) / 1.8,
  };
  // The pixels that a shape covers, wholly (core) and in part (edge), each a column and a row beside the point's.
  const stamp = (symbol, radius) => {
    const [core, edge] = [[], []];
    const reach = Math.ceil(1.2 * radius);
    for (let row = -reach; row <= reach; row++) for (let column = -reach; column <= reach; column++) {
      let covered = 0;
      for (let i = 0; i < 16; i++) covered += inside[symbol]((column + (i % 4) / 4 - 0.375) / radius, (row + (i >> 2) / 4 - 0.375) / radius);
      if (covered > 10) core.push([column, row]); else if (covered > 3) edge.push([column, row]);
    }
    return { core: core.length ? core : [[0, 0]], edge, reach };
  };
  const packed = (colour) => { // "#rrggbb" as the canvas's bytes in a little-endian word
    const rgb = parseInt(colour.slice(1), 16);
    return ((255 << 24) | ((rgb & 255) << 16) | (rgb & 0xff00) | (rgb >> 16)) >>> 0;
  };

  // A layer: rows, name, symbol, visible, and one colour, or `colours` (packed) of which `shade` (per row of all) tells the place.
  const stampLayer = (pixels, width, height, points, view, layer, radius) => {
    const { x, y } = points;
    const { core, edge, reach } = stamp(layer.symbol, radius);
    const solid = Int32Array.from(core, ([column, row]) => row * width + column);
    const half = Int32Array.from(edge, ([column, row]) => row * width + column);
    const [kx, ky] = [width / (view.right - view.left), height / (view.top - view.bottom)];
    const [lowest, right, bottom] = [reach, width - reach - 1, height - reach - 1];
    const one = layer.colour ? packed(layer.colour) : 0;
    for (let i = 0; i < layer.rows.length; i++) {
      const row = layer.rows[i];
      const column = ((x[row] - view.left) * kx) | 0;
      const line = ((view.top - y[row]) * ky) | 0;
      if (column < lowest || column > right || line < lowest || line > bottom) continue;
      const colour = one || layer.colours[layer.shade[row]];
      const at = line * width + column;
      for (let k = 0; k < half.length; k++) {
        const p = at + half[k];
        pixels[p] = (((pixels[p] & 0xfefefe) >>> 1) + ((colour & 0xfefefe) >>> 1)) | 0xff000000;
      }
      for (let k = 0; k < solid.length; k++) pixels[at + solid[k]] = colour;
    }
  };

  // Which points lie in which cell of a grid over the map, so that the nearest is found among few.
  const CELLS = 400;
  const gridOf = (x, y, box) => {
    const cell = (value, low, high) => Math.min(CELLS - 1, Math.max(0, Math.floor(CELLS * (value - low) / (high - low))));
    const at = (px, py) => cell(py, box.bottom, box.top) * CELLS + cell(px, box.left, box.right);
    const from = new Uint32Array(CELLS * CELLS + 1);
    for (let i = 0; i < x.length; i++) from[at(x[i], y[i]) + 1]++;
    for (let i = 0; i < CELLS * CELLS; i++) from[i + 1] += from[i];
    const [rows, filled] = [new Uint32Array(x.length), from.slice()];
    for (let i = 0; i < x.length; i++) rows[filled[at(x[i], y[i])]++] = i;
    return { cell, from, rows };
  };

  class Points {
    constructor(canvas, x, y) {
      Object.assign(this, { canvas, x, y, layers: [], marked: [], pointed: null, hover: () => {}, click: () => {} });
      let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
      for (let i = 0; i < x.length; i++) {
        if (x[i] < left) left = x[i];
        if (x[i] > right) right = x[i];
        if (y[i] < bottom) bottom = y[i];
        if (y[i] > top) top = y[i];
      }
      const around = (low, high) => { const edge = 0.05 * (high - low) || 1; return [low - edge, high + edge]; };
      [left, right] = x.length ? around(left, right) : [0, 1];
      [bottom, top] = y.length ? around(bottom, top) : [0, 1];
      this.home = { left, right, bottom, top };
      this.view = { ...this.home };
      this.grid = gridOf(x, y, this.home);
      this.layerOf = new Uint16Array(x.length);
      this.listen();
      new ResizeObserver(() => this.redraw()).observe(canvas);
    }

    set(layers, { radius, ground, ink, axes }) {
      layers.forEach((layer, i) => { for (const row of layer.rows) this.layerOf[row] = i; });
      Object.assign(this, { layers, radius, ground, ink, axes });
      this.redraw();
    }

    redraw() {
      if (this.waiting) return;
      this.waiting = true;
      requestAnimationFrame(() => { this.waiting = false; this.draw(); });
    }

    draw() {
      const ratio = Math.min(2, window.devicePixelRatio || 1);
      const { canvas } = this;
      const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.max(1, Math.round(side * ratio)));
      if (canvas.width !== width || canvas.height !== height || !this.image) {
        [canvas.width, canvas.height] = [width, height];
        this.image = canvas.getContext("2d").createImageData(width, height);
      }
      this.paint(canvas.getContext("2d"), this.image, ratio);
    }

    paint(context, image, ratio) {
      const { width, height } = image;
      const pixels = new Uint32Array(image.data.buffer);
      pixels.fill(packed(this.ground));
      // nearer points are larger, so that shapes and single windows can be told; fewer of them are in sight
      const nearer = (this.home.right - this.home.left) / (this.view.right - this.view.left);
      const radius = this.radius * Math.min(3, Math.max(1, nearer ** 0.4));
      for (const layer of this.layers) if (layer.visible) stampLayer(pixels, width, height, this, this.view, layer, radius * ratio);
      const many = this.marked.length > 2000; // rings where the eye has to find a few, full points where they would hide each other
      if (many) stampLayer(pixels, width, height, this, this.view, { rows: this.marked, symbol: "circle", colour: this.ink }, (radius + 0.3) * ratio);
      context.putImageData(image, 0, 0);
      context.save();
      context.scale(ratio, ratio);
      this.annotate(context, width / ratio, height / ratio, many ? [] : this.marked);
      context.restore();
    }

    annotate(context, width, height, ringed) {
      context.strokeStyle = context.fillStyle = this.ink;
      context.lineWidth = 1.6;
      for (const row of ringed) {
        const [left, top] = this.pixel(row, width, height);
        context.beginPath();
        context.arc(left, top, ringed.length > 200 ? 4.5 : 6.5, 0, 2 * Math.PI);
        context.stroke();
      }
      context.font = "11px system-ui, sans-serif";
      context.textAlign = "center";
      context.fillText(this.axes[0], width / 2, height - 6);
      context.save();
      context.translate(13, height / 2);
      context.rotate(-Math.PI / 2);
      context.fillText(this.axes[1], 0, 0);
      context.restore();
      if (this.pointed) this.arrow(context, width, height);
    }

    arrow(context, width, height) {
      const [left, top] = this.pixel(this.pointed.row, width, height);
      const up = top > 70;
      const end = up ? top - 44 : top + 44;
      context.beginPath();
      context.arc(left, top, 6.5, 0, 2 * Math.PI);
      context.moveTo(left, up ? top - 6.5 : top + 6.5);
      context.lineTo(left, end);
      context.stroke();
      context.font = "12px system-ui, sans-serif";
      const half = context.measureText(this.pointed.text).width / 2 + 5;
      const middle = Math.max(half + 2, Math.min(width - half - 2, left));
      context.fillStyle = this.ground;
      context.fillRect(middle - half, end - 10, 2 * half, 20);
      context.strokeRect(middle - half, end - 10, 2 * half, 20);
      context.fillStyle = this.ink;
      context.fillText(this.pointed.text, middle, end + 4);
    }

    // Place of a row on the canvas, in its own units.
    pixel(row, width = this.canvas.clientWidth, height = this.canvas.clientHeight) {
      const { left, right, bottom, top } = this.view;
      return [width * (this.x[row] - left) / (right - left), height * (top - this.y[row]) / (top - bottom)];
    }

    // The visible row nearest to a place on the canvas, at most `within` away; null where there is none.
    nearest(px, py, within = 9) {
      const { left, right, bottom, top } = this.view;
      const { clientWidth: width, clientHeight: height } = this.canvas;
      const [sx, sy] = [(right - left) / width, (top - bottom) / height];
      const [x, y] = [left + px * sx, top - py * sy];
      const { cell, from, rows } = this.grid;
      const { home } = this;
      const [first, last] = [-1, 1].map((side) => cell(x + side * within * sx, home.left, home.right));
      const [low, high] = [-1, 1].map((side) => cell(y + side * within * sy, home.bottom, home.top));
      let best = null;
      let least = within * within;
      for (let line = low; line <= high; line++) for (let i = from[line * CELLS + first]; i < from[line * CELLS + last + 1]; i++) {
        const row = rows[i];
        if (!this.layers[this.layerOf[row]]?.visible) continue;
        const distance = ((this.x[row] - x) / sx) ** 2 + ((this.y[row] - y) / sy) ** 2;
        if (distance <= least) { least = distance; best = row; }
      }
      return best;
    }

    move(across, up) { // shares of the view
      const { left, right, bottom, top } = this.view;
      const [dx, dy] = [across * (right - left), up * (top - bottom)];
      this.view = { left: left + dx, right: right + dx, bottom: bottom + dy, top: top + dy };
      this.redraw();
    }

    zoom(factor, across = 0.5, down = 0.5) { // about a place in shares of the canvas; below 1: nearer
      const { left, right, bottom, top } = this.view;
      const [x, y] = [left + across * (right - left), top - down * (top - bottom)];
      const size = (right - left) * factor / (this.home.right - this.home.left);
      if (size > 4 || size < 1e-4) return;
      this.view = { left: x + (left - x) * factor, right: x + (right - x) * factor, bottom: y + (bottom - y) * factor, top: y + (top - y) * factor };
      this.redraw();
    }

    reset() { this.view = { ...this.home }; this.redraw(); }

    listen() {
      const { canvas } = this;
      const fingers = new Map();
      let travelled = 0;
      const share = (left, top) => [left / canvas.clientWidth, top / canvas.clientHeight];
      canvas.addEventListener("pointerdown", (event) => {
        try { canvas.setPointerCapture(event.pointerId); } catch { /* the pointer is gone already */ }
        fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
        if (fingers.size === 1) travelled = 0;
      });
      canvas.addEventListener("pointermove", (event) => {
        const now = [event.offsetX, event.offsetY];
        const before = fingers.get(event.pointerId);
        if (!before) { this.hovered(now); return; }
        const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
        const [across, down] = share(now[0] - before[0], now[1] - before[1]);
        travelled += Math.abs(now[0] - before[0]) + Math.abs(now[1] - before[1]);
        this.move(-across / fingers.size, down / fingers.size);
        if (other) {
          const apart = (one) => Math.hypot(one[0] - other[0], one[1] - other[1]) || 1;
          this.zoom(apart(before) / apart(now), ...share((now[0] + other[0]) / 2, (now[1] + other[1]) / 2));
        }
        fingers.set(event.pointerId, now);
      });
      const lift = (event) => {
        if (fingers.delete(event.pointerId) && event.type === "pointerup" && !fingers.size && travelled < 5) {
          const row = this.nearest(event.offsetX, event.offsetY);
          if (row !== null) this.click(row);
        }
      };
      for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, lift);
      canvas.addEventListener("pointerleave", () => this.hovered(null));
      canvas.addEventListener("wheel", (event) => {
        event.preventDefault();
        this.zoom(Math.exp(Math.max(-200, Math.min(200, event.deltaY * (event.deltaMode ? 30 : 1))) * 0.0018), ...share(event.offsetX, event.offsetY));
      }, { passive: false });
    }

    hovered(place) {
      const waiting = this.asked !== undefined;
      this.asked = place;
      if (waiting) return;
      requestAnimationFrame(() => {
        const row = this.asked ? this.nearest(...this.asked) : null;
        this.asked = undefined;
        this.canvas.style.cursor = row === null ? "grab" : "pointer";
        this.hover(row);
      });
    }

    // The points as a PNG's data address, at twice the size of the screen.
    snapshot() {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [2 * this.canvas.clientWidth, 2 * this.canvas.clientHeight];
      const context = canvas.getContext("2d");
      this.paint(context, context.createImageData(canvas.width, canvas.height), 2);
      return canvas.toDataURL("image/png");
    }
  }
  return Points;
})();
