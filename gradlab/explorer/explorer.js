// Brings the explorers, figures and guess boxes of a built page to life. One classic script, no request to another
// host, works from disk. It computes nothing of its own: every drawn point comes from the table that Python wrote.
"use strict";
(() => {
  const home = document.currentScript.src.replace(/[^/]*$/, "");
  const tables = (window.gradlabTables = window.gradlabTables || {});
  const explorers = new Map(); // name -> Explorer
  const PHONE = 600;
  let printing = false; // "beforeprint" comes while the screen still counts as the medium
  const dark = () => document.documentElement.dataset.theme === "dark" && !printing;
  const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  const fill = (words, places) => words.replace(/\{(\w+)\}/g, (_, key) => places[key]);

  // ------------------------------------------------------------------------------------------------ loading

  const scripts = {};
  function script(path) {
    scripts[path] ||= new Promise((resolve, reject) => {
      const element = document.createElement("script");
      element.src = home + path;
      element.onload = resolve;
      element.onerror = () => reject(new Error(`${path} could not be read`));
      document.head.append(element);
    });
    return scripts[path];
  }

  async function decode(text) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const buffer = await new Response(stream).arrayBuffer();
    const length = new DataView(buffer).getUint32(0, true);
    const table = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
    let offset = 4 + length;
    table.arrays = table.lengths.map((n) => {
      const array = new Float32Array(buffer, offset, n);
      offset += 4 * n;
      return array;
    });
    return table;
  }

  // The template of a table with the columns of one state put in.
  function figureOf(table, state) {
    const put = (node) => {
      if (Array.isArray(node)) return node.map(put);
      if (node === null || typeof node !== "object") return node;
      if ("$" in node) {
        const [pool, ids] = table.columns[node.$];
        const value = table[pool][ids.length === 1 ? ids[0] : ids[state]];
        return pool === "json" ? structuredClone(value) : value;
      }
      return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, put(value)]));
    };
    return put(table.template);
  }

  // ---------------------------------------------------------------------------------------- figures, in parts

  function swapColours(node, swap) {
    if (typeof node === "string") return swap[node.toUpperCase()] || node;
    if (node === null || typeof node !== "object" || ArrayBuffer.isView(node)) return node;
    for (const key of Object.keys(node)) node[key] = swapColours(node[key], swap);
    return node;
  }

  const span = (axis) => (axis?.range ? Math.abs(axis.range[1] - axis.range[0]) : 0);

  function addPin(figure, pin, words) {
    const frozen = pin.figure.data.find((t) => t.meta?.role === "measured");
    if (!frozen) return;
    const trace = { type: "scatter", mode: "lines", x: frozen.x, y: frozen.y, meta: { role: "pinned" } };
    trace.line = { width: 2, dash: "dot", color: frozen.line.color };
    for (const key of ["xaxis", "yaxis"]) {
      if (frozen[key]) trace[key] = frozen[key];
      const [here, there] = [figure.layout[key], pin.figure.layout[key]];
      if (span(there) > span(here)) figure.layout[key] = structuredClone(there);
    }
    figure.data.push(trace);
    if (frozen.x.length) {
      // Its name stands where the figure keeps room for one, else at the curve's first point.
      const first = { x: frozen.x[0], y: frozen.y[0], xref: frozen.xaxis || "x", yref: frozen.yaxis || "y", yanchor: "bottom" };
      figure.layout.annotations.push({
        text: fill(words.pinned, { label: pin.label }), showarrow: false, xanchor: "left",
        font: { size: 14, color: "#1C2128" }, ...(figure.layout.meta?.pinned || first),
      });
    }
  }

  function addGuess(figure, guess, words) {
    const [x, y] = [[guess.x], [guess.log10]];
    const marker = { symbol: "diamond-open", size: 12, color: "#1C2128", line: { width: 2 } };
    figure.data.push({ type: "scatter", mode: "markers", x, y, marker, cliponaxis: false, meta: { role: "guess" } });
    const [low, high] = figure.layout.xaxis.range;
    const side = guess.x > (low + high) / 2 ? { xanchor: "right", xshift: -12 } : { xanchor: "left", xshift: 12 };
    const font = { size: 14, color: "#1C2128" };
    figure.layout.annotations.push({ text: words.your_guess, showarrow: false, x: guess.x, y: guess.log10, font, ...side });
  }

  // The main y axis holds log10 values; here it becomes linear. The live form does the same in Python.
  function makeLinear(figure) {
    const main = (item) => (item.yaxis || "y") === "y";
    const raised = (v) => (v === null || Number.isNaN(v) ? null : 10 ** Math.min(Math.max(v, -300), 300));
    let top = 0;
    for (const trace of figure.data) {
      if (!main(trace)) continue;
      trace.y = Array.from(trace.y, raised);
      if (!trace.fill) top = Math.max(top, ...trace.y);
    }
    const { tickvals, ticktext, ...axis } = figure.layout.yaxis;
    top = top || 1;
    figure.layout.yaxis = { ...axis, range: [-0.03 * top, 1.06 * top], exponentformat: "power" };
    for (const shape of figure.layout.shapes || []) if ((shape.yref || "y") === "y") shape.visible = false;
    for (const note of figure.layout.annotations || []) if (note.yref === "y") note.y = raised(note.y);
  }

  function fitPhone(layout) {
    // One screen holds an explorer; a figure of many rows names the height it needs.
    layout.height = (layout.meta || {}).phone || Math.min(layout.height || 420, 330);
    // A wide right margin holds the names of curves and stays.
    const margin = layout.margin || {};
    layout.margin = { ...margin, l: Math.min(margin.l || 50, 50), r: margin.r > 20 ? margin.r : 8 };
    layout.annotations = (layout.annotations || []).filter((note) => note.name !== "wide");
  }

  // ------------------------------------------------------------------------------------------------- numbers

  // The same two rules as gradlab.style.power and .number.
  function power(log10, digits = 3) {
    if (Number.isNaN(log10)) return "not a number";
    if (!Number.isFinite(log10)) return log10 > 0 ? "beyond every float" : "0";
    let exponent = Math.floor(log10);
    let mantissa = Number((10 ** (log10 - exponent)).toFixed(digits - 1));
    if (mantissa >= 10) [mantissa, exponent] = [mantissa / 10, exponent + 1];
    if (-4 < exponent && exponent < 4) return (mantissa * 10 ** exponent).toFixed(Math.max(digits - 1 - exponent, 0));
    return `${mantissa.toFixed(digits - 1)}\u00a0·\u00a010<sup>${String(exponent).replace("-", "−")}</sup>`;
  }
  function number(value) {
    if (value === 0) return "0";
    return (value < 0 ? "−" : "") + power(Math.log10(Math.abs(value)));
  }
  const whole = (v) => (Number.isInteger(v) && Math.abs(v) < 1e6 ? String(v).replace("-", "−") : number(v));

  function numbersTable(figure, rows = 12) {
    const columns = figure.data.filter((t) => t.meta?.column);
    if (!columns.length) return "";
    const named = figure.layout.meta?.rows;
    const x = columns[0].x;
    const n = x.length;
    const picks = n <= rows ? [...x.keys()] : Array.from({ length: rows }, (_, i) => Math.floor((i * (n - 1) + ((rows - 1) >> 1)) / (rows - 1)));
    const cell = (t, at) => {
      const hit = t.x.indexOf(at);
      if (hit < 0) return "<td></td>";
      if (t.meta.format === "text") return `<td>${t.text[hit]}</td>`;
      return `<td>${(t.meta.format || "power") === "power" ? power(t.y[hit]) : number(t.y[hit])}</td>`;
    };
    const head = [figure.layout.meta?.x || "x", ...columns.map((t) => t.meta.column)].map((h) => `<th scope="col">${h}</th>`);
    const body = picks.map((i) => `<tr><th scope="row">${named ? named[i] : whole(x[i])}</th>${columns.map((t) => cell(t, x[i])).join("")}</tr>`);
    return `<table><thead><tr>${head.join("")}</tr></thead><tbody>${body.join("")}</tbody></table>`;
  }

  // ----------------------------------------------------------------------------------------------- explorers

  class Explorer {
    constructor(root) {
      this.root = root;
      this.find = (selector) => root.querySelector(selector);
      this.spec = JSON.parse(this.find(".gl-spec").textContent);
      this.words = this.spec.words;
      this.state = this.initial();
      this.pin = null; // a state
      this.linear = false;
      this.guess = null;
      this.moved = false;
      this.drawn = Promise.resolve();
      this.controls = new Map(this.spec.controls.map((c) => [c.name, this.find(`[name="${c.name}"]`)]));
      this.listen();
    }

    initial() {
      return Object.fromEntries(this.spec.controls.map((c) => [c.name, c.default]));
    }

    listen() {
      for (const control of this.spec.controls) {
        const element = this.controls.get(control.name);
        const read = () => {
          const value = control.kind === "menu" ? element.value : control.values[element.valueAsNumber];
          if (value !== this.state[control.name]) this.set({ [control.name]: value });
        };
        element.addEventListener("input", read);
        element.addEventListener("change", read);
      }
      this.root.querySelectorAll(".gl-preset").forEach((button, i) => {
        button.addEventListener("click", () => this.press(this.spec.presets[i]));
      });
      const act = { pin: "togglePin", linear: "toggleLinear", again: "again", copy: "copy", link: "link" };
      for (const button of this.root.querySelectorAll("[data-do]"))
        button.addEventListener("click", () => this[act[button.dataset.do]](button));
    }

    // The state, and what depends on it. Everything shown is derived here and nowhere else.
    set(some, { quiet = false } = {}) {
      Object.assign(this.state, some);
      this.moved = true;
      this.label();
      this.draw();
      if (!quiet) address.write();
    }

    label() {
      for (const control of this.spec.controls) {
        const element = this.controls.get(control.name);
        const at = control.values.indexOf(this.state[control.name]);
        if (control.kind === "menu") element.value = this.state[control.name];
        else {
          element.value = at;
          element.setAttribute("aria-valuetext", control.texts[at]);
          element.closest("label").querySelector(".gl-value").textContent = control.texts[at];
        }
      }
      this.root.dataset.state = JSON.stringify(this.state);
      const same = (state) => this.spec.controls.every((c) => state[c.name] === this.state[c.name]);
      this.root.querySelectorAll(".gl-preset").forEach((b, i) => b.setAttribute("aria-pressed", String(same(this.spec.presets[i].state))));
      const button = this.find('[data-do="pin"]');
      if (button) {
        button.textContent = this.pin ? this.words.unpin : this.words.pin;
        button.setAttribute("aria-pressed", String(Boolean(this.pin)));
      }
      this.find('[data-do="linear"]')?.setAttribute("aria-pressed", String(this.linear));
    }

    index(state) {
      return this.spec.controls.reduce((at, c) => at * c.values.length + c.values.indexOf(state[c.name]), 0);
    }

    async load() {
      this.table ||= (async () => {
        const key = this.spec.table;
        if (key) await script(`explorers/${key}.js`);
        return decode(key ? tables[key] : this.find(".gl-table").textContent);
      })();
      const [table] = await Promise.all([this.table, script("plotly.min.js")]);
      this.loaded = table;
      return table;
    }

    // Draws are queued one behind the other; of several waiting only the last is carried out.
    draw() {
      this.wanted = (this.wanted || 0) + 1;
      const mine = this.wanted;
      this.drawn = this.drawn.then(async () => {
        if (mine !== this.wanted) return;
        try {
          await this.paint(await this.load());
        } catch (error) {
          this.notice(this.words.missing);
          console.error(error);
        }
      });
      return this.drawn;
    }

    async paint(table) {
      const at = this.index(this.state);
      const figure = figureOf(table, at);
      figure.layout.annotations = [...(figure.layout.annotations || [])];
      this.say(table, at, figure);
      if (this.pin) {
        const pinned = this.index(this.pin);
        addPin(figure, { figure: figureOf(table, pinned), label: table.sentences[pinned][2] }, this.words);
      }
      if (this.guess) addGuess(figure, this.guess, this.words);
      if (this.linear) makeLinear(figure);
      const box = this.find(".gl-drawn");
      if (box.clientWidth < PHONE) fitPhone(figure.layout);
      if (dark()) swapColours(figure, this.spec.swap);
      figure.layout.width = box.clientWidth;
      figure.layout.autosize = false;
      box.querySelector(":scope > svg")?.remove();
      await Plotly.react(box, figure.data, figure.layout, { displayModeBar: false, responsive: false, staticPlot: false, doubleClick: false, scrollZoom: false });
      this.name(box);
      this.follow(box);
      this.grips(box);
      this.root.dataset.drawn = String(at);
    }

    say(table, at, figure) {
      if (!this.spec.controls.length) return;
      const [verdict, text, , value] = table.sentences[at];
      const line = this.find(".gl-sentence");
      line.dataset.verdict = verdict;
      this.find(".gl-said").innerHTML = text;
      let compared = "";
      if (this.pin) {
        const [, , label, other] = table.sentences[this.index(this.pin)];
        if (value !== null && other !== null) {
          const off = value - other;
          const kind = Math.abs(off) < 0.05 ? "same" : off > 0 ? "more" : "less";
          compared = fill(this.words[kind], { decades: Math.abs(off).toFixed(1), label });
        }
      }
      this.find(".gl-compared").innerHTML = compared;
      this.find(".gl-table-box").innerHTML = numbersTable(figure);
      clearTimeout(this.speaking);
      if (this.moved) this.speaking = setTimeout(() => (this.find(".gl-status").textContent = line.textContent.trim()), 600);
    }

    name(box) {
      // Plotly's svgs have no name; together they are one picture.
      const spoken = this.spec.controls.length ? `${this.find(".gl-title").textContent}. ${this.find(".gl-sentence").textContent.trim()}` : box.dataset.alt;
      box.setAttribute("role", "img");
      box.setAttribute("aria-label", spoken);
    }

    // A click on a curve whose meta says which control it sets, or in a panel whose handle goes where it is clicked.
    follow(box) {
      if (this.following) return;
      this.following = true;
      box.addEventListener("click", (event) => {
        const layout = box._fullLayout;
        const frame = box.getBoundingClientRect();
        for (const trace of box.data) {
          const control = this.spec.controls.find((c) => c.name === trace.meta?.sets);
          if (!control) continue;
          const [xaxis, yaxis] = [layout[(trace.xaxis || "x").replace("x", "xaxis")], layout[(trace.yaxis || "y").replace("y", "yaxis")]];
          const [px, py] = [event.clientX - frame.left - xaxis._offset, event.clientY - frame.top - yaxis._offset];
          if (px < 0 || px > xaxis._length || py < 0 || py > yaxis._length) continue;
          const x = xaxis.p2d(px);
          const values = trace.meta.values || trace.x; // where the axis shows another quantity than the control's
          let best = 0;
          for (let i = 0; i < trace.x.length; i++) if (Math.abs(trace.x[i] - x) < Math.abs(trace.x[best] - x)) best = i;
          const target = values[best];
          const near = control.values.reduce((a, b) => (Math.abs(b - target) < Math.abs(a - target) ? b : a));
          this.set({ [control.name]: near });
          return;
        }
        for (const { held } of this.root.querySelectorAll(".gl-handle")) {
          const at = (axis, from) => [from - axis._offset, axis._length];
          const inside = [at(held.x, event.clientX - frame.left), at(held.y, event.clientY - frame.top)];
          if (held.handle.click && inside.every(([place, length]) => 0 <= place && place <= length))
            this.set(this.placed(held, held.x.p2d(inside[0][0]), held.y.p2d(inside[1][0])));
        }
      });
    }

    // A mark that can be dragged where the object has a place: meta.handle says, for x and for y, which control it
    // sets and, unless the axis shows the control's own values, where on the axis each of them lies. The control itself
    // stays the twin that needs no dragging.
    grips(box) {
      const frame = this.find(".gl-figure");
      const held = box.data.filter((trace) => trace.meta?.handle && trace.x.length);
      frame.querySelectorAll(".gl-handle").forEach((grip, i) => i >= held.length && grip.remove());
      held.forEach((trace, i) => {
        const grip = frame.querySelectorAll(".gl-handle")[i] || this.newGrip(frame);
        const axis = (key) => box._fullLayout[(trace[`${key}axis`] || key).replace(key, `${key}axis`)];
        const [x, y] = [axis("x"), axis("y")];
        // A transform, not a place: the page is not laid out anew while the mark moves.
        grip.style.transform = `translate(${x._offset + x.d2p(trace.x[0])}px, ${y._offset + y.d2p(trace.y[0])}px)`;
        grip.setAttribute("aria-label", trace.meta.handle.label);
        const names = ["x", "y"].filter((key) => trace.meta.handle[key]).map((key) => trace.meta.handle[key].control);
        const said = names.map((name) => this.spec.controls.find((c) => c.name === name)).map((c) => c.texts[c.values.indexOf(this.state[c.name])]);
        grip.setAttribute("aria-valuetext", said.join(", "));
        grip.held = { handle: trace.meta.handle, x, y };
      });
    }

    // The state whose mark lies nearest to a place of the axes.
    placed({ handle }, x, y) {
      const nearest = (places, at) => places.reduce((best, place, i) => (Math.abs(place - at) < Math.abs(places[best] - at) ? i : best), 0);
      const state = {};
      for (const [key, at] of [["x", x], ["y", y]]) {
        const control = handle[key] && this.spec.controls.find((c) => c.name === handle[key].control);
        if (control) state[control.name] = control.values[nearest(handle[key].at || control.values, at)];
      }
      return state;
    }

    newGrip(frame) {
      const grip = document.createElement("div");
      grip.className = "gl-handle";
      grip.tabIndex = 0;
      grip.setAttribute("role", "slider");
      frame.append(grip);
      let grab = null; // from the pointer to the mark's middle, kept while dragging
      grip.addEventListener("pointerdown", (event) => {
        const middle = grip.getBoundingClientRect();
        grab = [middle.left + middle.width / 2 - event.clientX, middle.top + middle.height / 2 - event.clientY];
        grip.setPointerCapture(event.pointerId);
      });
      grip.addEventListener("pointermove", (event) => {
        if (!grab) return;
        const { x, y } = grip.held;
        const place = this.find(".gl-drawn").getBoundingClientRect();
        const at = [x.p2d(event.clientX + grab[0] - place.left - x._offset), y.p2d(event.clientY + grab[1] - place.top - y._offset)];
        const state = this.placed(grip.held, ...at);
        if (Object.keys(state).some((name) => state[name] !== this.state[name])) this.set(state);
      });
      for (const end of ["pointerup", "pointercancel"]) grip.addEventListener(end, () => (grab = null));
      grip.addEventListener("keydown", (event) => {
        const [key, step] = { ArrowLeft: ["x", -1], ArrowRight: ["x", 1], ArrowDown: ["y", -1], ArrowUp: ["y", 1] }[event.key] || [];
        const held = key && (grip.held.handle[key] || (key === "y" && grip.held.handle.x));
        if (!held) return;
        event.preventDefault();
        const control = this.spec.controls.find((c) => c.name === held.control);
        const places = held.at || control.values;
        const along = places[places.length - 1] < places[0] ? -step : step; // where the key points, whatever the order
        const value = control.values[control.values.indexOf(this.state[control.name]) + along];
        if (value !== undefined) this.set({ [control.name]: value });
      });
      return grip;
    }

    notice(text) {
      const line = this.find(".gl-notice");
      if (!line) return;
      line.textContent = text;
      line.hidden = !text;
    }

    press(preset) {
      if (preset.pin || this.pinnedByPreset) this.pin = preset.pin;
      this.pinnedByPreset = Boolean(preset.pin);
      this.set(preset.state);
    }

    firstPin() {
      const first = this.spec.presets.find((p) => this.index(p.state) === this.index(this.initial()));
      this.pinnedByPreset = Boolean(first?.pin);
      return first?.pin || null;
    }

    togglePin() {
      this.pin = this.pin ? null : { ...this.state };
      this.pinnedByPreset = false;
      this.set({});
    }

    again() {
      this.linear = false;
      this.pin = this.firstPin();
      this.notice("");
      this.set(this.initial());
    }

    toggleLinear() {
      this.linear = !this.linear;
      this.set({});
    }

    async copy(button) {
      const python = this.python();
      try {
        await navigator.clipboard.writeText(python);
      } catch {
        // From disk the clipboard may be closed: an old way that still works there.
        const area = Object.assign(document.createElement("textarea"), { value: python });
        document.body.append(area);
        area.select();
        document.execCommand("copy");
        area.remove();
      }
      this.root.dataset.copied = python;
      const label = this.words.copy;
      button.textContent = this.words.copied;
      setTimeout(() => (button.textContent = label), 1200);
    }

    python() {
      const literals = this.spec.controls.map((c) => `${c.name}=${c.literals[c.values.indexOf(this.state[c.name])]}`);
      return `${this.spec.python}().evaluate(${literals.join(", ")})`;
    }

    link() {
      address.write({ now: true, keep: this });
    }

    // A link in the prose was followed: set, bring into view, mark what changed.
    arrive(state, from) {
      const changed = Object.keys(state).filter((name) => state[name] !== this.state[name]);
      this.set(state);
      const frame = this.find(".gl-figure").getBoundingClientRect();
      const shown = Math.min(frame.bottom, innerHeight) - Math.max(frame.top, 0);
      if (shown < 0.6 * frame.height) {
        this.root.scrollIntoView({ behavior: still() ? "instant" : "smooth", block: "start" });
        if (from) back.offer(from, this.words.back);
      }
      for (const name of changed) {
        const label = this.controls.get(name).closest("label");
        label.classList.add("gl-changed");
        setTimeout(() => label.classList.remove("gl-changed"), 1200);
      }
    }
  }

  // ------------------------------------------------------------------------------------------------- address

  // "#gradients?depth=30&activation=sigmoid;window?weight=100": every explorer that was moved.
  const address = {
    parse(hash) {
      return hash.replace(/^#/, "").split(";").filter((part) => part.includes("?")).map((part) => {
        const [name, query] = [part.slice(0, part.indexOf("?")), part.slice(part.indexOf("?") + 1)];
        return [name, new URLSearchParams(query)];
      });
    },
    // The values that the explorer holds; what it does not hold is named, not guessed.
    read(explorer, query) {
      const state = {};
      for (const [key, text] of query) {
        if (key === "axis" || key === "pin") continue;
        const control = explorer.spec.controls.find((c) => c.name === key);
        const value = control?.values.find((v) => String(v) === text || (typeof v === "number" && text.trim() !== "" && Number(text) === v));
        if (value === undefined) explorer.notice(fill(explorer.words.ignored, { name: key, value: text }));
        else state[key] = value;
      }
      return state;
    },
    apply(hash) {
      let first = null;
      for (const [name, query] of this.parse(hash)) {
        const explorer = explorers.get(name);
        if (!explorer) continue;
        explorer.notice("");
        const state = this.read(explorer, query);
        explorer.linear = query.get("axis") === "linear" && Boolean(explorer.find('[data-do="linear"]'));
        const pinned = query.get("pin")?.split("~");
        if (pinned?.length === explorer.spec.controls.length) {
          const parts = new URLSearchParams(explorer.spec.controls.map((c, i) => [c.name, pinned[i]]));
          const pin = this.read(explorer, parts);
          if (Object.keys(pin).length === pinned.length) explorer.pin = pin;
        }
        explorer.set(state, { quiet: true });
        first ||= explorer;
      }
      return first;
    },
    text() {
      const parts = [];
      for (const [name, explorer] of explorers) {
        if (!explorer.moved) continue;
        const query = new URLSearchParams(explorer.state);
        if (explorer.linear) query.set("axis", "linear");
        if (explorer.pin) query.set("pin", explorer.spec.controls.map((c) => explorer.pin[c.name]).join("~"));
        parts.push(`${name}?${query}`);
      }
      return parts.length ? `#${parts.join(";")}` : "";
    },
    // Replaces, never adds: one press of Back leaves the page.
    write({ now = false, keep = null } = {}) {
      clearTimeout(this.timer);
      if (keep) keep.moved = true;
      const write = () => history.replaceState(history.state, "", this.text() || location.pathname + location.search);
      if (now) write();
      else this.timer = setTimeout(write, 300);
    },
  };

  const back = {
    offer(link, words) {
      this.button?.remove();
      const button = (this.button = document.createElement("button"));
      button.type = "button";
      button.className = "gl-back";
      button.textContent = words;
      button.addEventListener("click", () => {
        link.scrollIntoView({ behavior: still() ? "instant" : "smooth", block: "center" });
        link.focus({ preventScroll: true });
        button.remove();
      });
      document.body.append(button);
    },
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#"]');
    if (!link) return;
    const [target] = address.parse(link.getAttribute("href"));
    const explorer = target && explorers.get(target[0]);
    if (!explorer) return;
    event.preventDefault();
    explorer.notice("");
    explorer.arrive({ ...explorer.initial(), ...address.read(explorer, target[1]) }, link);
  });

  // ---------------------------------------------------------------------------------------------- guess boxes

  const TENS = { ten: 1, hundred: 2, thousand: 3, million: 6, billion: 9, trillion: 12 };
  // The same rules as gradlab.explorer.guess.decades.
  function decades(text) {
    text = text.trim().toLowerCase().replaceAll("−", "-").replaceAll(",", "").replace(/[·×]/g, "*");
    const plain = "(\\d+\\.?\\d*|\\.\\d+)(?:e([+-]?\\d+))?";
    const ten = "10\\s*(?:\\^|\\*\\*)\\s*\\(?([+-]?\\d+\\.?\\d*)\\)?";
    const log = (digits, e) => (Number(digits) > 0 ? Math.log10(Number(digits)) + Number(e || 0) : null);
    const sum = (a, b) => (a === null || b === null ? null : a + b);
    const read = (pattern) => text.match(new RegExp(`^${pattern}$`));
    let m;
    if ((m = read("(?:1|one|a) in (?:a |one )?(.+)"))) {
      const many = Object.hasOwn(TENS, m[1]) ? TENS[m[1]] : decades(m[1]);
      return many === null ? null : -many;
    }
    if ((m = read(ten))) return Number(m[1]);
    if ((m = read(`${plain}\\s*\\*\\s*${ten}`))) return sum(log(m[1], m[2]), Number(m[3]));
    if ((m = read(`${plain}\\s*/\\s*${plain}`))) {
      const below = log(m[3], m[4]);
      return below === null ? null : sum(log(m[1], m[2]), -below);
    }
    if ((m = read(`${plain}\\s*(%?)`))) return sum(log(m[1], m[2]), m[3] ? -2 : 0);
    return null;
  }

  function guessBox(form) {
    const data = JSON.parse(form.querySelector("script").textContent);
    const [field, answer] = [form.querySelector("input"), form.querySelector(".gl-answer")];
    const show = (html) => (answer.innerHTML = `<span>${html}</span>`);
    const say = (kind, places) => {
      show(`${fill(data.answers[kind], { answer: data.answer, ...places })} ${data.explanation}`);
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const guessed = decades(field.value);
      if (guessed === null) return void show(data.unread);
      const off = guessed - data.log10;
      const kind = Math.abs(off) <= 0.5 ? "close" : off > 0 ? "high" : "low";
      say(kind, { guess: power(guessed), decades: Math.abs(off).toFixed(1) });
      const explorer = explorers.get(data.explorer);
      if (explorer) {
        explorer.guess = { x: data.x, log10: guessed };
        explorer.set(data.state || {}, { quiet: true });
      }
    });
    form.querySelector(".gl-show").addEventListener("click", () => say("shown", {}));
  }

  // --------------------------------------------------------------------------------------------------- start

  function start() {
    const near = new IntersectionObserver(
      (entries) => entries.forEach((e) => e.isIntersecting && (near.unobserve(e.target), all.get(e.target).draw())),
      { rootMargin: "800px" },
    );
    const all = new Map();
    for (const root of document.querySelectorAll(".gl-explorer")) {
      const explorer = new Explorer(root);
      const box = explorer.find(".gl-drawn");
      box.dataset.alt = box.querySelector("svg")?.getAttribute("aria-label") || "";
      all.set(root, explorer);
      if (explorer.spec.name) explorers.set(explorer.spec.name, explorer);
      explorer.pin = explorer.firstPin?.() ?? null;
      explorer.label();
    }
    document.querySelectorAll(".gl-guess").forEach(guessBox);
    const first = address.apply(location.hash);
    if (first) first.root.scrollIntoView({ block: "start", behavior: "instant" });
    for (const root of all.keys()) near.observe(root);
    const redraw = () => all.forEach((explorer) => explorer.root.dataset.drawn && explorer.draw());
    new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    let width = innerWidth;
    addEventListener("resize", () => innerWidth !== width && ((width = innerWidth), redraw()));
    addEventListener("hashchange", () => address.apply(location.hash));
    // Paper shows every figure, drawn in the light colours.
    addEventListener("beforeprint", () => {
      printing = true;
      // The page is printed as it stands when this returns: nothing may wait. What was never drawn shows its still picture.
      all.forEach((explorer) => explorer.loaded && explorer.paint(explorer.loaded));
    });
    addEventListener("afterprint", () => {
      printing = false;
      redraw();
    });
    window.gradlab = { explorers, settled: () => Promise.all([...all.values()].map((e) => e.drawn)) };
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
