"use strict";
// The replay of one or two runs. Everything is drawn on canvases from the numbers in the page; nothing is loaded.

const page = JSON.parse(document.getElementById("episode").textContent);
const INK = "#1f2933", MUTED = "#66717d", FAINT = "#c3cad2", GRID = "#e4e8ec";

// ------------------------------------------------------------------------------------------------ numbers

const NONE = 65535, LEVELS = 65534;

/** Return the numbers of a packed array, NaN where there is none. */
function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed.data), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const values = new Float64Array(bytes.length / 2);
  const unit = (packed.high - packed.low) / LEVELS;
  for (let i = 0; i < values.length; i++) {
    const level = view.getUint16(2 * i, true);
    values[i] = level === NONE ? NaN : packed.low + unit * level;
  }
  return values;
}

/** Return the last index whose time has come, and how far the next one is on its way, 0 to 1. */
function instant(time, now) {
  let low = 0, high = time.length - 1;
  if (now >= time[high]) return [high, 0];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (time[middle] <= now) low = middle; else high = middle;
  }
  return [low, Math.max(0, (now - time[low]) / (time[high] - time[low]))];
}

const between = (values, [i, part]) =>
  part > 0 ? values[i] + part * (values[i + 1] - values[i]) : values[i];

/** Return a number with about three digits. */
const told = (value) => String(Number(value.toPrecision(3)));

// ------------------------------------------------------------------------------------------------ canvases

/** Fit a canvas to its place on the screen; return its context, in units of CSS pixels, and its size. */
function prepare(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = "11px system-ui, 'DejaVu Sans', sans-serif";
  return [pen, width, height];
}

function element(name, where, className = "", text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  where.append(made);
  return made;
}

function legend(where, entries) {
  const line = element("span", where, "legend");
  for (const [label, color] of entries) {
    const entry = element("span", line, "", label);
    const mark = document.createElement("i");
    mark.style.background = color;
    entry.prepend(mark);
  }
}

/** Return round numbers within [low, high], about `count` of them. */
function ticks(low, high, count) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((factor) => raw <= factor * power * 1.001);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(k * step);
  return found;
}

// ------------------------------------------------------------------------------------------------ space

const camera = { mode: "orbit", yaw: -2.2, pitch: 0.5, distance: 3, target: [0, 0, 0.5] };
const NEAR = 0.02;

/** Turn (x, y, z) by a quaternion (x, y, z, w). */
function turned([x, y, z], [a, b, c, w]) {
  const tx = 2 * (b * z - c * y), ty = 2 * (c * x - a * z), tz = 2 * (a * y - b * x);
  return [x + w * tx + b * tz - c * ty, y + w * ty + c * tx - a * tz, z + w * tz + a * ty - b * tx];
}

class Space {
  constructor(figure, view, run) {
    this.view = view;
    this.run = run;
    this.canvas = element("canvas", figure);
    const caption = element("figcaption", figure);
    legend(caption, view.bodies.slice(0, 12).map((body) => [body.name, body.color]));
    if (view.magnified > 1) element("span", caption, "", ` drawn ${told(view.magnified)} times as large`);
    this.bodies = view.bodies.map((body) => ({
      ...body,
      position: body.position.map(unpack),
      quaternion: unpack(body.quaternion),
      target: body.target && body.target.map(unpack),
      present: body.present && unpack(body.present),
    }));
    this.faces = [...view.boxes.flatMap(boxFaces), ...view.pillars.flatMap(pillarFaces)];
    steer(this.canvas);
  }

  pose(body, at) {
    const [i, part] = at;
    const place = body.position.map((column) => between(column, at));
    const q = [0, 1, 2, 3].map((c) => body.quaternion[4 * i + c]);
    if (part > 0) {
      // Linear between two attitudes of the same sign, then of unit length again.
      const next = [0, 1, 2, 3].map((c) => body.quaternion[4 * (i + 1) + c]);
      const sign = Math.sign(q.reduce((sum, value, c) => sum + value * next[c], 0)) || 1;
      for (let c = 0; c < 4; c++) q[c] += part * (sign * next[c] - q[c]);
    }
    const length = Math.hypot(...q) || 1;
    return [place, q.map((value) => value / length)];
  }

  /** Set the eye for the camera's mode; return a function from world to screen: x, y, depth. */
  eye(at, width, height) {
    let { yaw, pitch, distance } = camera, target = camera.target;
    const chased = /^chase (\d+)$/.exec(camera.mode);
    if (chased && this.bodies[chased[1]]) {
      const [place, q] = this.pose(this.bodies[chased[1]], at);
      const ahead = turned([1, 0, 0], q);
      target = place;
      yaw = Math.atan2(-ahead[1], -ahead[0]);
      pitch = 0.35;
    } else if (camera.mode === "above") {
      yaw = -Math.PI / 2;
      pitch = Math.PI / 2;
    }
    const back = [Math.cos(yaw) * Math.cos(pitch), Math.sin(yaw) * Math.cos(pitch), Math.sin(pitch)];
    const right = [-Math.sin(yaw), Math.cos(yaw), 0];
    const up = [-Math.cos(yaw) * Math.sin(pitch), -Math.sin(yaw) * Math.sin(pitch), Math.cos(pitch)];
    const focal = 1.2 * Math.min(width, height);
    this.position = target.map((value, c) => value + distance * back[c]);
    return (point) => {
      const d = point.map((value, c) => value - target[c]);
      const depth = distance - (d[0] * back[0] + d[1] * back[1] + d[2] * back[2]);
      const scale = focal / Math.max(depth, NEAR);
      return [
        width / 2 + scale * (d[0] * right[0] + d[1] * right[1]),
        height / 2 - scale * (d[0] * up[0] + d[1] * up[1] + d[2] * up[2]),
        depth,
      ];
    };
  }

  draw(at, now) {
    const [pen, width, height] = prepare(this.canvas);
    const see = this.eye(at, width, height);
    this.floor(pen, see);
    for (const body of this.bodies) this.shadow(pen, see, body, at);
    // The painter's algorithm: what is farther away is drawn first.
    const items = [];
    for (const face of this.faces) {
      const toEye = this.position.map((value, c) => value - face.middle[c]);
      if (toEye[0] * face.normal[0] + toEye[1] * face.normal[1] + toEye[2] * face.normal[2] <= 0) continue;
      items.push([see(face.middle)[2], () => polygon(pen, face.corners.map(see), face.color, face.edge || "#8b95a1")]);
    }
    for (const line of this.view.lines)
      for (let k = 0; k < line.length; k++) {
        const ends = [see(line[k]), see(line[(k + 1) % line.length])];
        items.push([(ends[0][2] + ends[1][2]) / 2, () => stroke(pen, ends, "#D55E00", 3)]);
      }
    for (const body of this.bodies) {
      if (body.present && !body.present[at[0]]) continue;
      this.trail(pen, see, body, at, now);
      const [place, q] = this.pose(body, at);
      items.push([see(place)[2], () => this.body(pen, see, body, place, q)]);
      if (body.target) {
        const there = see(body.target.map((column) => between(column, at)));
        if (there[2] > NEAR) items.push([there[2], () => cross(pen, there, body.color)]);
      }
    }
    items.sort((one, other) => other[0] - one[0]);
    for (const [depth, paint] of items) if (depth > NEAR) paint();
  }

  floor(pen, see) {
    const [x0, y0, x1, y1] = this.view.floor;
    const wide = ticks(x0, x1, 10), step = wide.length > 1 ? wide[1] - wide[0] : 1;
    const tall = [];
    for (let k = Math.ceil(y0 / step - 1e-9); k * step <= y1 + 1e-9; k++) tall.push(k * step);
    for (const x of wide) stroke(pen, [see([x, y0, 0]), see([x, y1, 0])], GRID, 1);
    for (const y of tall) stroke(pen, [see([x0, y, 0]), see([x1, y, 0])], GRID, 1);
    const corners = [[x0, y0, 0], [x1, y0, 0], [x1, y1, 0], [x0, y1, 0], [x0, y0, 0]];
    for (let k = 0; k < 4; k++) stroke(pen, [see(corners[k]), see(corners[k + 1])], FAINT, 1);
    pen.fillStyle = MUTED;
    const label = (text, point) => {
      const [x, y, depth] = see(point);
      if (depth > NEAR) pen.fillText(text, Math.min(x + 4, this.canvas.clientWidth - 62), y);
    };
    label(`x = ${told(x1)} m`, [x1, y0, 0]);
    label(`y = ${told(y1)} m`, [x0, y1, 0]);
  }

  shadow(pen, see, body, at) {
    if (body.present && !body.present[at[0]]) return;
    const place = body.position.map((column) => between(column, at));
    if (!body.rotors.length || !(place[2] > 0)) return;
    const below = see([place[0], place[1], 0]), here = see(place);
    pen.setLineDash([2, 3]);
    stroke(pen, [here, below], FAINT, 1);
    pen.setLineDash([]);
    const radius = this.view.magnified * Math.hypot(...body.rotors[0]);
    polygon(pen, circle(14, radius, place[0], place[1], 0).map(see), "rgba(31,41,51,0.12)");
  }

  trail(pen, see, body, at, now) {
    const seconds = Number(trailChoice.value), time = this.run.time;
    const first = seconds < 0 ? 0 : instant(time, now - seconds)[0];
    const points = [];
    for (let i = first; i <= at[0]; i++)
      if (!body.present || body.present[i]) points.push(see(body.position.map((column) => column[i])));
    if (at[1] > 0) points.push(see(this.pose(body, at)[0]));
    pen.globalAlpha = 0.75;
    stroke(pen, points, body.color, 1.6);
    pen.globalAlpha = 1;
  }

  body(pen, see, body, place, q) {
    const size = this.view.magnified;
    const at = (point) => see(turned(point.map((c) => size * c), q).map((c, k) => c + place[k]));
    if (!body.rotors.length) {
      const half = body.size.map((side) => side / 2);
      const facing = [];
      for (const face of boxFaces([0, 0, 0, ...half])) {
        const middle = turned(face.middle, q).map((c, k) => size * c + place[k]);
        const normal = turned(face.normal, q);
        const seen = normal.reduce((sum, c, k) => sum + c * (this.position[k] - middle[k]), 0);
        if (seen > 0) facing.push(face.corners.map(at));
      }
      for (const corners of facing) polygon(pen, corners, body.color, "#fff");
      stroke(pen, [at([0, 0, half[2]]), at([half[0], 0, half[2]])], "#fff", 2);
      return;
    }
    const centre = at([0, 0, 0]);
    for (const [x, y] of body.rotors) stroke(pen, [centre, at([x, y, 0])], INK, 2);
    const front = Math.max(...body.rotors.map(([x]) => x));
    for (const [x, y] of body.rotors) {
      pen.globalAlpha = x > front - 1e-6 ? 0.9 : 0.45; // the rotors ahead are the dark ones
      polygon(pen, circle(14, body.rotorRadius, x, y, 0).map(at), body.color);
    }
    pen.globalAlpha = 1;
  }
}

/** Return the six faces of a box given by middle and half sides, with outward normals. */
function boxFaces([x, y, z, a, b, c]) {
  const faces = [];
  const middle = [x, y, z], half = [a, b, c];
  for (let axis = 0; axis < 3; axis++)
    for (const side of [-1, 1]) {
      const [one, other] = [(axis + 1) % 3, (axis + 2) % 3];
      const normal = [0, 0, 0], centre = [...middle];
      normal[axis] = side;
      centre[axis] += side * half[axis];
      const corners = [[1, 1], [-1, 1], [-1, -1], [1, -1]].map(([u, v]) => {
        const corner = [...centre];
        corner[one] += u * half[one];
        corner[other] += v * half[other];
        return corner;
      });
      const light = axis === 2 ? "#dfe4ea" : axis === 1 ? "#b9c2cc" : "#c9d1d9";
      faces.push({ corners, normal, middle: centre, color: light });
    }
  return faces;
}

/** Return the sides and the top of an upright cylinder on the floor, with outward normals. */
function pillarFaces([x, y, radius, height]) {
  const count = 20, faces = [];
  const low = circle(count, radius, x, y, 0), high = circle(count, radius, x, y, height);
  for (let k = 0; k < count; k++) {
    const next = (k + 1) % count, angle = (2 * Math.PI * (k + 0.5)) / count;
    const corners = [low[k], low[next], high[next], high[k]];
    const middle = [x + radius * Math.cos(angle), y + radius * Math.sin(angle), height / 2];
    const shade = 0.5 + 0.5 * Math.cos(angle - 2.27);
    const color = `rgb(${[168, 140, 115].map((c, i) => Math.round(c + shade * [54, 64, 69][i]))})`;
    faces.push({ corners, normal: [Math.cos(angle), Math.sin(angle), 0], middle, color, edge: color });
  }
  faces.push({ corners: high, normal: [0, 0, 1], middle: [x, y, height], color: "#deccb8" });
  return faces;
}

function circle(count, radius, x, y, z) {
  return Array.from({ length: count }, (_, k) => {
    const angle = (2 * Math.PI * k) / count;
    return [x + radius * Math.cos(angle), y + radius * Math.sin(angle), z];
  });
}

function polygon(pen, points, fill, edge) {
  if (points.some((point) => point[2] <= NEAR)) return;
  pen.beginPath();
  points.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.closePath();
  pen.fillStyle = fill;
  pen.fill();
  if (edge) {
    pen.strokeStyle = edge;
    pen.lineWidth = 0.6;
    pen.stroke();
  }
}

function stroke(pen, points, color, width) {
  pen.beginPath();
  let open = false;
  for (const [x, y, depth] of points) {
    if (depth <= NEAR) { open = false; continue; }
    if (open) pen.lineTo(x, y); else pen.moveTo(x, y);
    open = true;
  }
  pen.strokeStyle = color;
  pen.lineWidth = width;
  pen.stroke();
}

function cross(pen, [x, y], color) {
  pen.strokeStyle = color;
  pen.lineWidth = 1.5;
  pen.beginPath();
  pen.arc(x, y, 5, 0, 2 * Math.PI);
  pen.moveTo(x - 8, y); pen.lineTo(x + 8, y);
  pen.moveTo(x, y - 8); pen.lineTo(x, y + 8);
  pen.stroke();
}

/** Let fingers and mouse turn (drag), move (two fingers, right button or Shift) and zoom (wheel, pinch). */
function steer(canvas) {
  const pointers = new Map();
  const spread = () => {
    const [one, other] = [...pointers.values()];
    return Math.hypot(one[0] - other[0], one[1] - other[1]);
  };
  const shift = (dx, dy) => {
    const unit = camera.distance / (1.2 * Math.min(canvas.clientWidth, canvas.clientHeight));
    const yaw = camera.mode === "above" ? -Math.PI / 2 : camera.yaw;
    const right = [-Math.sin(yaw), Math.cos(yaw)], ahead = [-Math.cos(yaw), -Math.sin(yaw)];
    camera.target[0] += unit * (-dx * right[0] + dy * ahead[0]);
    camera.target[1] += unit * (-dx * right[1] + dy * ahead[1]);
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
  });
  canvas.addEventListener("pointermove", (event) => {
    const last = pointers.get(event.pointerId);
    if (!last) return;
    const before = pointers.size === 2 ? spread() : 0;
    const dx = event.clientX - last[0], dy = event.clientY - last[1];
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    if (pointers.size === 2) {
      zoom(before / Math.max(spread(), 1));
      shift(dx / 2, dy / 2);
    } else if (event.shiftKey || event.buttons === 2 || camera.mode === "above") {
      shift(dx, dy);
    } else if (camera.mode === "orbit") {
      camera.yaw -= dx * 0.008;
      camera.pitch = Math.min(1.55, Math.max(-0.2, camera.pitch + dy * 0.008));
    }
    draw();
  });
  for (const name of ["pointerup", "pointercancel"])
    canvas.addEventListener(name, (event) => pointers.delete(event.pointerId));
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(0.0012 * event.deltaY));
    draw();
  }, { passive: false });
}

function zoom(factor) {
  camera.distance = Math.min(500, Math.max(0.1, camera.distance * factor));
}

// ------------------------------------------------------------------------------------------------ plane

class Plane {
  constructor(figure, view, run) {
    this.view = view;
    this.run = run;
    element("figcaption", figure, "", view.title);
    this.canvas = element("canvas", figure);
    this.corners = view.corners && unpack(view.corners);
  }

  draw(at, now) {
    const [pen, width, height] = prepare(this.canvas);
    const scale = (Math.min(width, height) / 2 - 16) / this.view.extent;
    const to = (x, y) => [width / 2 + scale * x, height / 2 - scale * y, 1];
    const reach = Math.max(width, height) / scale;
    stroke(pen, [to(-reach, 0), to(reach, 0)], FAINT, 1);
    stroke(pen, [to(0, -reach), to(0, reach)], FAINT, 1);
    pen.fillStyle = MUTED;
    pen.fillText(this.view.labels[0], width - 24, height / 2 - 6);
    pen.fillText(this.view.labels[1], width / 2 + 6, 12);
    for (const [radius, label] of this.view.circles) {
      polygonLine(pen, circle(96, radius, 0, 0, 0).map(([x, y]) => to(x, y)), "#D55E00");
      pen.fillText(label, ...to(-radius * 0.7, radius * 0.74).slice(0, 2));
    }
    if (this.corners) {
      const count = this.view.corners.shape[1];
      const points = Array.from({ length: count }, (_, k) => {
        const place = 2 * (at[0] * count + k);
        return to(this.corners[place], this.corners[place + 1]);
      });
      polygonLine(pen, points, MUTED);
    }
    const [x, y] = this.view.values.map((name) => this.run.values[name]);
    const first = instant(this.run.time, now - this.view.trail)[0];
    const trail = [];
    for (let i = first; i <= at[0]; i++) trail.push(to(x[i], y[i]));
    pen.globalAlpha = 0.5;
    stroke(pen, trail, "#0072B2", 1.3);
    pen.globalAlpha = 1;
    const here = to(between(x, at), between(y, at));
    stroke(pen, [to(0, 0), here], "#0072B2", 2);
    dot(pen, here, "#0072B2");
    if (this.view.reference) {
      const wanted = this.view.reference.map((name) => this.run.values[name][at[0]]);
      cross(pen, to(...wanted), INK);
    }
  }
}

function polygonLine(pen, points, color) {
  stroke(pen, [...points, points[0]], color, 1);
}

function dot(pen, [x, y], color) {
  pen.fillStyle = color;
  pen.beginPath();
  pen.arc(x, y, 3.5, 0, 2 * Math.PI);
  pen.fill();
}

// ------------------------------------------------------------------------------------------------ raster

/** Dark blue over grey to yellow: lightness grows steadily, so that it is read with every colour blindness. */
const RAMP = [[0, 32, 81], [60, 77, 110], [127, 124, 117], [187, 175, 113], [253, 234, 69]];
const COLUMNS = 120; // instants in view

class Raster {
  constructor(figure, view, run) {
    this.view = view;
    this.run = run;
    const caption = element("figcaption", figure, "", view.title);
    if (view.classes.length) legend(caption, view.classes);
    else element("span", caption, "", ` ${told(view.bounds[0])} (dark) to ${told(view.bounds[1])} ${view.unit} (bright)`);
    this.canvas = element("canvas", figure);
    this.picture = this.paint();
  }

  /** Return the whole episode as a picture, a column an instant, the lowest cell at the bottom. */
  paint() {
    const [count, cells] = this.view.values.shape;
    const values = unpack(this.view.values);
    const picture = document.createElement("canvas");
    picture.width = count;
    picture.height = cells;
    const pen = picture.getContext("2d");
    const image = pen.createImageData(count, cells);
    const classes = this.view.classes.map(([, color]) =>
      [1, 3, 5].map((start) => parseInt(color.slice(start, start + 2), 16)));
    for (let i = 0; i < count; i++)
      for (let c = 0; c < cells; c++) {
        const value = values[i * cells + c];
        const color = classes.length ? classes[Math.round(value)] : this.level(value);
        image.data.set([...color, 255], 4 * ((cells - 1 - c) * count + i));
      }
    pen.putImageData(image, 0, 0);
    return picture;
  }

  level(value) {
    const [low, high] = this.view.bounds;
    if (Number.isNaN(value)) return [255, 255, 255];
    const place = Math.min(1, Math.max(0, (value - low) / (high - low))) * (RAMP.length - 1);
    const k = Math.min(RAMP.length - 2, Math.floor(place));
    return RAMP[k].map((c, j) => Math.round(c + (place - k) * (RAMP[k + 1][j] - c)));
  }

  draw(at) {
    const [pen, width, height] = prepare(this.canvas);
    const left = 40, bottom = 28, wide = width - left - 8, tall = height - bottom - 6;
    const shown = Math.min(COLUMNS, at[0] + 1), cell = wide / COLUMNS;
    pen.imageSmoothingEnabled = false;
    pen.fillStyle = "#f4f6f8";
    pen.fillRect(left, 6, wide, tall);
    pen.drawImage(this.picture, at[0] + 1 - shown, 0, shown, this.picture.height,
                  left + wide - shown * cell, 6, shown * cell, tall);
    pen.fillStyle = MUTED;
    pen.textAlign = "right";
    const every = Math.ceil(this.view.groups / 12);
    for (let g = 0; g < this.view.groups; g += every)
      pen.fillText(String(g), left - 5, 6 + tall * (1 - (g + 0.5) / this.view.groups) + 4);
    pen.textAlign = "center";
    for (let back = 0; back <= COLUMNS; back += 40)
      pen.fillText(String(back), left + wide - back * cell + (back ? 0 : -3), 6 + tall + 12);
    pen.fillText("steps ago", left + wide / 2, height - 4);
    pen.save();
    pen.translate(11, 6 + tall / 2);
    pen.rotate(-Math.PI / 2);
    pen.fillText(this.view.label, 0, 0);
    pen.restore();
    pen.textAlign = "left";
  }
}

// ------------------------------------------------------------------------------------------------ charts

class Chart {
  constructor(figure, panel, run) {
    this.panel = panel;
    this.run = run;
    const caption = element("figcaption", figure, "", `${panel.title} `);
    legend(caption, [
      ...panel.series.map((line) => [line.label, line.color]),
      ...(panel.series.some((line) => line.reference) ? [["reference", INK]] : []),
    ]);
    this.canvas = element("canvas", figure);
    this.canvas.addEventListener("pointerdown", (event) => this.seek(event));
    this.canvas.addEventListener("pointermove", (event) => event.buttons && this.seek(event));
    this.still = document.createElement("canvas");
  }

  seek(event) {
    const box = this.canvas.getBoundingClientRect();
    goTo(end * (event.clientX - box.left - 44) / (box.width - 52));
  }

  draw(at, now) {
    const [pen, width, height] = prepare(this.canvas);
    if (this.still.width !== this.canvas.width || this.still.height !== this.canvas.height)
      this.drawStill(width, height);
    pen.drawImage(this.still, 0, 0, width, height);
    const x = 44 + (width - 52) * (end > 0 ? now / end : 0);
    stroke(pen, [[x, 4, 1], [x, height - 18, 1]], INK, 1);
    for (const line of this.panel.series) {
      const y = this.place(this.panel.scale * between(this.run.values[line.name], at), height);
      if (Number.isFinite(y)) dot(pen, [x, y], line.color);
    }
  }

  place(value, height) {
    const [low, high] = this.panel.view;
    return height - 18 - (height - 24) * (value - low) / (high - low);
  }

  /** Draw once what stands still: grid, limits and lines. */
  drawStill(width, height) {
    const { still, panel } = this, ratio = this.canvas.width / width;
    still.width = this.canvas.width;
    still.height = this.canvas.height;
    const pen = still.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.font = "11px system-ui, 'DejaVu Sans', sans-serif";
    pen.fillStyle = MUTED;
    pen.textAlign = "right";
    for (const value of ticks(...panel.view, 4)) {
      const y = this.place(value, height);
      stroke(pen, [[44, y, 1], [width - 8, y, 1]], GRID, 1);
      pen.fillText(told(value), 40, y + 4);
    }
    pen.textAlign = "center";
    const [factor, unit] = timeUnit();
    for (const value of ticks(0, end * factor, 5)) {
      const x = 44 + (width - 52) * value / (end * factor);
      pen.fillText(told(value) + (value === 0 ? ` ${unit}` : ""), x, height - 4);
    }
    pen.save();
    pen.beginPath();
    pen.rect(44, 4, width - 52, height - 22);
    pen.clip();
    pen.globalAlpha = 0.5;
    for (const limit of panel.limits) {
      const y = this.place(limit, height);
      stroke(pen, [[44, y, 1], [width - 8, y, 1]], panel.warning, 1);
    }
    pen.globalAlpha = 1;
    for (const line of [...panel.series].reverse()) this.line(pen, line.name, line.color, 1.5, width, height);
    pen.setLineDash([4, 3]);
    for (const line of panel.series)
      if (line.reference) this.line(pen, line.reference, INK, 1, width, height);
    pen.restore();
  }

  line(pen, name, color, thick, width, height) {
    const values = this.run.values[name], time = this.run.time, points = [];
    for (let i = 0; i < time.length; i++)
      points.push([44 + (width - 52) * time[i] / end, this.place(this.panel.scale * values[i], height),
                   Number.isFinite(values[i]) ? 1 : 0]);
    stroke(pen, points, color, thick);
  }
}

// ------------------------------------------------------------------------------------------------ the page

const $ = (id) => document.getElementById(id);
const trailChoice = $("trail"), views = { space: Space, plane: Plane, raster: Raster };
const end = Math.max(...page.runs.map((run) => run.time.high > run.time.low ? unpack(run.time).at(-1) : 0));
let now = 0, playing = false, last = 0;

const timeUnit = () => (end < 2 ? [1000, "ms"] : [1, "s"]);

const stages = page.runs.map((run) => {
  const unpacked = { time: unpack(run.time), values: {} };
  for (const name in run.values) unpacked.values[name] = unpack(run.values[name]);
  const section = element("section", $("runs"));
  const heading = element("h2", section, "", run.name);
  const alarm = element("span", heading, "alarm", run.alarmText);
  const kinds = new Set(run.views.map((view) => view.kind));
  const content = element("div", section, `content ${kinds.has("space") ? "wide" : kinds.has("plane") ? "even" : ""}`);
  const [left, right] = [element("div", content), element("div", content)];
  // Beside a space stand its charts; a raster lies above its charts; planes stand beside theirs.
  const parts = run.views.map((view) => new views[view.kind](element("figure", left, `view ${view.kind}`), view, unpacked));
  parts.push(...run.panels.map((panel) => new Chart(element("figure", right, "view panel"), panel, unpacked)));
  return { ...unpacked, parts, alarm, broken: run.alarm && unpack(run.alarm) };
});

function draw() {
  for (const stage of stages) {
    const at = instant(stage.time, now);
    for (const part of stage.parts) part.draw(at, Math.min(now, stage.time.at(-1)));
    stage.alarm.classList.toggle("on", Boolean(stage.broken && stage.broken[at[0]] > 0));
  }
  const [factor, unit] = timeUnit();
  $("scrub").value = String(now);
  $("clock").textContent = `${(now * factor).toFixed(end < 2 ? 1 : 2)} of ${told(end * factor)} ${unit}`;
}

function goTo(time) {
  now = Math.min(end, Math.max(0, time));
  draw();
}

function play(on) {
  playing = on;
  $("play").textContent = on ? "Pause" : "Play";
  if (!on) return;
  if (now >= end) now = 0;
  last = performance.now();
  requestAnimationFrame(tick);
}

function tick(stamp) {
  if (!playing) return;
  const speed = Number($("speed").value);
  now = Math.min(end, now + Math.max(0, stamp - last) * 1e-3 * speed);
  last = Math.max(last, stamp);
  draw();
  if (now >= end) play(false); else requestAnimationFrame(tick);
}

function option(select, value, text) {
  select.add(new Option(text, value));
}

function begin() {
  document.querySelector("main").className = page.runs.length > 1 ? "two" : "one";
  const speeds = [];
  for (let power = -4; power <= 1; power++) for (const digit of [1, 2, 5]) speeds.push(Number(`${digit}e${power}`));
  // Real time where that lasts some seconds; else so that the episode lasts about a quarter of a minute.
  const wanted = end >= 4 && end <= 40 ? 1 : Math.max(end, 1e-9) / 15;
  const distance = (speed) => Math.abs(Math.log(speed / wanted));
  const near = speeds.reduce((one, other) => (distance(other) < distance(one) ? other : one));
  for (const speed of speeds) option($("speed"), speed, speed < 1 ? `1/${told(1 / speed)}` : `×${speed}`);
  $("speed").value = String(near);
  $("scrub").max = String(end);
  const spaces = page.runs.flatMap((run) => run.views.filter((view) => view.kind === "space"));
  for (const label of document.querySelectorAll("footer .space")) label.hidden = !spaces.length;
  if (spaces.length) {
    $("hint").textContent = "Drag to turn, Shift and drag to move, wheel or pinch to zoom; space bar and arrow keys.";
    const [x0, y0, x1, y1] = spaces[0].floor, bodies = spaces[0].bodies;
    camera.distance = 1.15 * Math.max(x1 - x0, y1 - y0);
    const heights = bodies.map((body) => (body.position[2].low + body.position[2].high) / 2);
    const height = heights.reduce((sum, value) => sum + value, 0) / Math.max(1, heights.length);
    camera.target = [(x0 + x1) / 2, (y0 + y1) / 2, spaces[0].above ? 0 : 0.6 * height];
    option($("camera"), "orbit", "orbit");
    option($("camera"), "above", "from above");
    bodies.slice(0, 12).forEach((body, k) => option($("camera"), `chase ${k}`, `chase ${body.name}`));
    camera.mode = spaces[0].above ? "above" : "orbit";
    $("camera").value = camera.mode;
    for (const [value, text] of [[0, "none"], [2, "2 s"], [10, "10 s"], [-1, "all"]]) option(trailChoice, value, text);
    trailChoice.value = "-1";
  } else {
    $("hint").textContent = "Click or drag on a chart, or use space bar and arrow keys.";
  }
  $("play").addEventListener("click", () => play(!playing));
  $("scrub").addEventListener("input", (event) => goTo(Number(event.target.value)));
  $("camera").addEventListener("change", (event) => {
    const ratio = event.target.value.startsWith("chase") !== camera.mode.startsWith("chase");
    if (ratio) zoom(event.target.value.startsWith("chase") ? 0.4 : 2.5);
    camera.mode = event.target.value;
    draw();
  });
  trailChoice.addEventListener("change", draw);
  document.addEventListener("keydown", (event) => {
    if (["SELECT", "INPUT", "BUTTON"].includes(event.target.tagName)) return;
    const steps = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === " ") play(!playing);
    else if (steps) goTo(now + steps * page.step);
    else return;
    event.preventDefault();
  });
  window.addEventListener("resize", draw);
  draw();
}

begin();
