// HandViewer: an orbit viewer for posed hands. WebGL2 and nothing else, so that the page fetches nothing from anybody.
//
// A scene (demo/scene.py) lists meshes: points as 16-bit integers, colours as bytes, both in base64. Faces are sent when a viewer
// first needs them and kept under their name, so that a moving hand costs its points alone. What glows is seen through the hand.
window.HandViewer = (() => {
  const VERTEX = `#version 300 es
    in vec3 point; in vec3 normal; in vec4 paint;
    uniform mat4 toClip; uniform mat3 turn;
    out vec3 facing; out vec3 albedo; out vec3 eye; out float glow;
    uniform vec3 middle; uniform float distance;
    void main() {
      facing = turn * normal;
      albedo = pow(paint.rgb, vec3(2.2));
      glow = paint.a;
      eye = vec3(0.0, 0.0, distance) - turn * (point - middle);
      gl_Position = toClip * vec4(point, 1.0);
    }`;
  const FRAGMENT = `#version 300 es
    precision highp float;
    in vec3 facing; in vec3 albedo; in vec3 eye; in float glow;
    uniform bool glowing;
    out vec4 colour;
    void main() {
      if (glowing) {
        colour = vec4(0.86, 0.08, 0.05, 1.0) * 0.5 * glow; // weighted already, as the canvas wants it
        return;
      }
      // The inside, seen through the wrist, is where normals look clearly away; at outlines they only seem to.
      vec3 v = normalize(eye), n = normalize(facing);
      float inside = smoothstep(-0.15, -0.5, dot(n, v));
      n = dot(n, v) < -0.3 ? -n : n;
      vec3 key = normalize(vec3(-0.45, 0.75, 0.65)), fill = normalize(vec3(0.9, 0.1, 0.45));
      float wrapped = max((dot(n, key) + 0.25) / 1.25, 0.0);
      vec3 light = vec3(1.02, 0.97, 0.92) * 0.90 * wrapped + vec3(0.74, 0.76, 0.84) * 0.26 * max(dot(n, fill), 0.0)
        + mix(vec3(0.33, 0.25, 0.22), vec3(0.27, 0.28, 0.30), 0.5 + 0.5 * n.y);
      light += vec3(0.16, 0.05, 0.03) * smoothstep(0.0, 0.5, wrapped) * (1.0 - smoothstep(0.3, 0.9, wrapped));
      float gloss = 0.10 * pow(max(dot(n, normalize(key + v)), 0.0), 38.0) + 0.10 * pow(1.0 - max(dot(n, v), 0.0), 4.0);
      vec3 lit = (albedo * light + gloss) * mix(1.0, 0.35, inside);
      colour = vec4(pow(min(lit, vec3(1.0)), vec3(1.0 / 2.2)), 1.0);
    }`;
  const FIELD_OF_VIEW = 0.5, LIMIT = 1.5;

  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

  function points(mesh) {
    const steps = new Int16Array(bytes(mesh.points).buffer), out = new Float32Array(steps.length);
    for (let i = 0; i < steps.length; i++) out[i] = steps[i] * mesh.step_mm + mesh.middle[i % 3];
    return out;
  }

  function normals(p, faces) {
    const n = new Float32Array(p.length);
    for (let f = 0; f < faces.length; f += 3) {
      const a = 3 * faces[f], b = 3 * faces[f + 1], c = 3 * faces[f + 2];
      const ux = p[b] - p[a], uy = p[b + 1] - p[a + 1], uz = p[b + 2] - p[a + 2];
      const vx = p[c] - p[a], vy = p[c + 1] - p[a + 1], vz = p[c + 2] - p[a + 2];
      const x = uy * vz - uz * vy, y = uz * vx - ux * vz, z = ux * vy - uy * vx;
      for (const i of [a, b, c]) { n[i] += x; n[i + 1] += y; n[i + 2] += z; }
    }
    return n; // normalised in the shader
  }

  class Viewer {
    constructor(element) {
      this.canvas = element.querySelector("canvas");
      this.note = element.querySelector(".hand-view-note");
      this.empty = this.note.textContent;
      this.faces = {};
      this.scene = null;
      this.key = null;
      this.moves = [];
      this.reset();
      this.canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
      this.canvas.addEventListener("webglcontextrestored", () => { this.build(); this.show(this.scene); });
      this.build();
      this.listen(element);
      new ResizeObserver(() => this.ask()).observe(this.canvas);
    }

    build() {
      const gl = this.canvas.getContext("webgl2", { antialias: true, alpha: true });
      this.gl = gl;
      this.meshes = [];
      if (!gl) { this.say("This browser cannot draw in 3D (no WebGL 2). The files below hold the hands all the same."); return; }
      const program = gl.createProgram();
      for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
        const shader = gl.createShader(kind);
        gl.shaderSource(shader, source);
        gl.compileShader(shader);
        gl.attachShader(program, shader);
      }
      gl.linkProgram(program);
      gl.useProgram(program);
      gl.enable(gl.DEPTH_TEST);
      this.program = program;
      this.place = Object.fromEntries(["toClip", "turn", "middle", "distance", "glowing"].map((name) => [name, gl.getUniformLocation(program, name)]));
    }

    /** Measures from here on how long the hand takes to follow inputs within an element, unless there is none. */
    measure(element) {
      this.latency = this.canvas.parentElement.querySelector(".hand-view-latency");
      // The first is being answered; of those that come meanwhile the earliest waits longest.
      element?.addEventListener("input", () => { if (this.moves.length < 2) this.moves.push(performance.now()); }, true);
    }

    answer() {
      const moved = this.moves.shift();
      if (moved === undefined) return;
      const milliseconds = performance.now() - moved;
      this.canvas.dataset.latency = milliseconds.toFixed(1);
      this.latency.textContent = `slider to hand ${milliseconds.toFixed(0)} ms`;
    }

    say(text) { this.note.textContent = text; this.note.hidden = !text; }

    show(scene) {
      if (!this.gl) return;
      this.scene = scene;
      this.forget();
      const meshes = (scene && scene.meshes) || [];
      this.say(meshes.length ? "" : (scene && scene.note) || this.empty);
      for (const mesh of meshes) {
        if (mesh.faces) this.faces[mesh.topology] = new Uint16Array(bytes(mesh.faces).buffer);
        const faces = this.faces[mesh.topology];
        if (faces) this.meshes.push(this.upload(points(mesh), faces, bytes(mesh.paint)));
      }
      if (meshes.length && scene.key !== this.key) { this.key = scene.key; this.reset(); }
      this.canvas.dataset.triangles = this.meshes.reduce((sum, mesh) => sum + mesh.count / 3, 0);
      this.canvas.dataset.shown = Number(this.canvas.dataset.shown || 0) + 1;
      this.draw();
      this.answer();
    }

    upload(p, faces, paint) {
      const gl = this.gl, array = gl.createVertexArray(), buffers = [];
      gl.bindVertexArray(array);
      for (const [name, data, kind] of [["point", p, gl.FLOAT], ["normal", normals(p, faces), gl.FLOAT], ["paint", paint, gl.UNSIGNED_BYTE]]) {
        const buffer = gl.createBuffer(), at = gl.getAttribLocation(this.program, name);
        gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
        gl.bufferData(gl.ARRAY_BUFFER, data, gl.DYNAMIC_DRAW);
        gl.enableVertexAttribArray(at);
        gl.vertexAttribPointer(at, name === "paint" ? 4 : 3, kind, kind === gl.UNSIGNED_BYTE, 0, 0);
        buffers.push(buffer);
      }
      const index = gl.createBuffer();
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, index);
      gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, faces, gl.STATIC_DRAW);
      return { array, buffers: [...buffers, index], count: faces.length };
    }

    forget() {
      for (const mesh of this.meshes) {
        this.gl.deleteVertexArray(mesh.array);
        mesh.buffers.forEach((buffer) => this.gl.deleteBuffer(buffer));
      }
      this.meshes = [];
    }

    reset() {
      const first = (this.scene && this.scene.turn) || [0, 0];
      [this.yaw, this.pitch, this.zoom] = [first[0], first[1], 1];
      this.ask();
    }

    ask() {
      if (this.asked) return;
      this.asked = true;
      requestAnimationFrame(() => { this.asked = false; this.draw(); });
    }

    draw() {
      const gl = this.gl, canvas = this.canvas;
      if (!gl || !canvas.clientWidth) return;
      const dense = Math.min(window.devicePixelRatio || 1, 2);
      const [width, height] = [Math.round(canvas.clientWidth * dense), Math.round(canvas.clientHeight * dense)];
      if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
      gl.viewport(0, 0, width, height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      if (!this.meshes.length) return;
      const aspect = width / height, narrow = Math.min(aspect, 1);
      const distance = this.scene.radius_mm / Math.sin(FIELD_OF_VIEW / 2) / narrow / this.zoom;
      const [cy, sy, cp, sp] = [Math.cos(this.yaw), Math.sin(this.yaw), Math.cos(this.pitch), Math.sin(this.pitch)];
      const R = [cy, 0, sy, sp * sy, cp, -sp * cy, -cp * sy, sp, cp * cy]; // rows: pitch after yaw
      const c = this.scene.centre_mm, t = [0, 1, 2].map((i) => -(R[3 * i] * c[0] + R[3 * i + 1] * c[1] + R[3 * i + 2] * c[2]));
      const f = 1 / Math.tan(FIELD_OF_VIEW / 2), near = Math.max(distance - 3 * this.scene.radius_mm, 5), far = distance + 3 * this.scene.radius_mm;
      const a = (far + near) / (near - far), b = (2 * far * near) / (near - far), z = t[2] - distance;
      const column = (i) => [(f / aspect) * R[i], f * R[3 + i], a * R[6 + i], -R[6 + i]];
      gl.uniformMatrix4fv(this.place.toClip, false, [...column(0), ...column(1), ...column(2), (f / aspect) * t[0], f * t[1], a * z + b, -z]);
      gl.uniformMatrix3fv(this.place.turn, false, [R[0], R[3], R[6], R[1], R[4], R[7], R[2], R[5], R[8]]);
      gl.uniform3fv(this.place.middle, c);
      gl.uniform1f(this.place.distance, distance);
      this.pass(false);
      gl.disable(gl.DEPTH_TEST);
      gl.enable(gl.BLEND);
      gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
      this.pass(true);
      gl.disable(gl.BLEND);
      gl.enable(gl.DEPTH_TEST);
    }

    pass(glowing) {
      const gl = this.gl;
      gl.uniform1i(this.place.glowing, glowing ? 1 : 0);
      for (const mesh of this.meshes) {
        gl.bindVertexArray(mesh.array);
        gl.drawElements(gl.TRIANGLES, mesh.count, gl.UNSIGNED_SHORT, 0);
      }
    }

    turnBy(yaw, pitch) {
      this.yaw += yaw;
      this.pitch = Math.max(-LIMIT, Math.min(LIMIT, this.pitch + pitch));
      this.ask();
    }

    zoomBy(factor) { this.zoom = Math.max(0.4, Math.min(8, this.zoom * factor)); this.ask(); }

    listen(element) {
      const canvas = this.canvas, held = new Map();
      const gap = () => { const [p, q] = [...held.values()]; return Math.hypot(p.x - q.x, p.y - q.y); };
      canvas.addEventListener("pointerdown", (event) => {
        canvas.setPointerCapture(event.pointerId);
        held.set(event.pointerId, { x: event.clientX, y: event.clientY });
      });
      canvas.addEventListener("pointermove", (event) => {
        const last = held.get(event.pointerId);
        if (!last) return;
        const before = held.size === 2 ? gap() : 0, now = { x: event.clientX, y: event.clientY };
        held.set(event.pointerId, now);
        if (held.size === 2) this.zoomBy(gap() / Math.max(before, 1));
        else this.turnBy(0.01 * (now.x - last.x), 0.01 * (now.y - last.y));
      });
      for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => held.delete(event.pointerId));
      // The wheel turns pages until the view is chosen by a click or by the keyboard.
      canvas.addEventListener("wheel", (event) => {
        if (document.activeElement !== canvas && !event.ctrlKey) return;
        event.preventDefault();
        this.zoomBy(Math.exp(-0.0015 * event.deltaY));
      }, { passive: false });
      canvas.addEventListener("keydown", (event) => {
        const steps = { ArrowLeft: [-0.12, 0], ArrowRight: [0.12, 0], ArrowUp: [0, -0.12], ArrowDown: [0, 0.12] };
        if (event.key in steps) this.turnBy(...steps[event.key]);
        else if (event.key === "+" || event.key === "=") this.zoomBy(1.15);
        else if (event.key === "-") this.zoomBy(1 / 1.15);
        else if (event.key === "0" || event.key === "Home") this.reset();
        else return;
        event.preventDefault();
      });
      element.querySelector(".hand-view-reset").addEventListener("click", () => this.reset());
      const whole = element.querySelector(".hand-view-whole"), stage = element.querySelector(".hand-view");
      whole.hidden = !stage.requestFullscreen;
      whole.addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : stage.requestFullscreen()));
    }
  }

  /** On a narrow page, where results lie below what they come from: go there. */
  function attend(id) {
    if (window.innerWidth < 700) document.getElementById(id)?.scrollIntoView({ behavior: "smooth", block: "start" });
  }

  return { mount: (element) => new Viewer(element), attend };
})();
