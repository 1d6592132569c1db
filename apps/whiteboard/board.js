// Strokes on a canvas. Places are parts of its width and height, so that both see the same on screens of any size.

/** No more points are kept than these: a board is no archive. */
const MOST_POINTS = 50_000;
/** How often a stroke that is being drawn is told, in milliseconds. */
const PIECE = 40;

export class Board extends EventTarget {
  /** @type {{ color: string, width: number, points: number[] }[]} */
  strokes = [];
  style = () => ({ color: '#000', width: 4 });
  #canvas;
  #context;
  #points = 0;
  /** What was drawn and has not been told yet. */
  #piece = null;
  #told = 0;
  #pen = { x: 0.5, y: 0.5, down: false };

  constructor(canvas) {
    super();
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d');
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.#begin(this.#place(event));
    });
    canvas.addEventListener('pointermove', (event) => {
      if (this.#piece) for (const each of event.getCoalescedEvents?.() ?? [event]) this.#draw(this.#place(each));
    });
    for (const type of ['pointerup', 'pointercancel']) canvas.addEventListener(type, () => this.#end());
    canvas.addEventListener('keydown', (event) => this.#key(event));
    new ResizeObserver(() => this.#paint()).observe(canvas);
  }

  /** A stroke that came; what is none is left out. */
  add({ color, width, points }) {
    const good = /^#[0-9a-f]{6}$/i.test(color) && width > 0 && width <= 64
      && Array.isArray(points) && points.length % 2 === 0 && points.every((each) => each >= 0 && each <= 1);
    if (!good || this.#points + points.length > MOST_POINTS * 2) return;
    const stroke = { color, width, points: [...points] };
    this.strokes.push(stroke);
    this.#points += points.length;
    this.#line(stroke);
  }

  clear() {
    this.strokes = [];
    this.#points = 0;
    this.#piece = null;
    this.#paint();
  }

  #begin(place) {
    this.#piece = { ...this.style(), points: [...place] };
    this.#told = performance.now();
  }

  #draw(place) {
    this.#piece.points.push(...place);
    this.#line({ ...this.#piece, points: this.#piece.points.slice(-4) });
    if (performance.now() - this.#told > PIECE) this.#tell();
  }

  #end() {
    if (!this.#piece) return;
    // A tap is a dot.
    if (this.#piece.points.length === 2) this.#piece.points.push(...this.#piece.points);
    this.#tell();
    this.#piece = null;
  }

  #tell() {
    const { color, width, points } = this.#piece;
    if (points.length < 4) return;
    const stroke = { color, width, points: points.map((each) => Math.round(each * 10_000) / 10_000) };
    this.add(stroke);
    this.dispatchEvent(new CustomEvent('drawn', { detail: stroke }));
    // The next piece begins where this one ends.
    this.#piece.points = points.slice(-2);
    this.#told = performance.now();
  }

  #key(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    if (step) {
      const inside = (value) => Math.min(1, Math.max(0, value));
      this.#pen.x = inside(this.#pen.x + step[0] * 0.02);
      this.#pen.y = inside(this.#pen.y + step[1] * 0.02);
      if (this.#pen.down) this.#draw([this.#pen.x, this.#pen.y]);
    } else if (event.key === ' ') {
      this.#pen.down = !this.#pen.down;
      if (this.#pen.down) this.#begin([this.#pen.x, this.#pen.y]);
      else this.#end();
    } else {
      return;
    }
    event.preventDefault();
    this.#paint();
  }

  #place({ clientX, clientY }) {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    const inside = (value) => Math.min(1, Math.max(0, value));
    return [inside((clientX - left) / width), inside((clientY - top) / height)];
  }

  #paint() {
    const { clientWidth, clientHeight } = this.#canvas;
    this.#canvas.width = clientWidth * devicePixelRatio;
    this.#canvas.height = clientHeight * devicePixelRatio;
    for (const stroke of this.strokes) this.#line(stroke);
    if (this.#piece) this.#line(this.#piece);
    if (this.#canvas.matches(':focus-visible')) {
      this.#context.beginPath();
      this.#context.arc(this.#pen.x * this.#canvas.width, this.#pen.y * this.#canvas.height, 6, 0, 7);
      this.#context.strokeStyle = this.#pen.down ? '#c81e1e' : '#555';
      this.#context.lineWidth = 2;
      this.#context.stroke();
    }
  }

  #line({ color, width, points }) {
    const context = this.#context;
    context.strokeStyle = color;
    context.lineWidth = width * devicePixelRatio;
    context.lineCap = 'round';
    context.lineJoin = 'round';
    context.beginPath();
    for (let at = 0; at < points.length; at += 2) {
      context.lineTo(points[at] * this.#canvas.width, points[at + 1] * this.#canvas.height);
    }
    context.stroke();
  }
}
