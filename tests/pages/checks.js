// Measurements in an open page. Each function returns a list of what is wrong.
window.mixbookChecks = (() => {
  const numbers = (text) => (text.match(/-?[\d.]+(e-?\d+)?/g) || []).map(Number);

  // [r, g, b, alpha], each 0..1, from rgb(), rgba() and color(srgb ...).
  function parse(colour) {
    const [r, g, b, a = 1] = numbers(colour.replace("srgb", ""));
    return colour.startsWith("color(") ? [r, g, b, a] : [r / 255, g / 255, b / 255, a];
  }

  const over = (top, below) =>
    [0, 1, 2].map((i) => top[3] * top[i] + (1 - top[3]) * below[i]).concat(1);

  function background(element) {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const layer = parse(getComputedStyle(e).backgroundColor);
      layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), [1, 1, 1, 1]);
  }

  function luminance([r, g, b]) {
    const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  }

  function contrast(a, b) {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  }

  function opacity(element) {
    let product = 1;
    for (let e = element; e; e = e.parentElement) product *= Number(getComputedStyle(e).opacity);
    return product;
  }

  function isLarge(style) {
    const size = parseFloat(style.fontSize);
    return size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  }

  const ownText = (e) =>
    [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join(" ").trim();

  const isShown = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length;

  function faintText() {
    const found = [];
    for (const e of document.querySelectorAll("body *")) {
      const text = ownText(e);
      if (!text || !isShown(e) || e.closest("script, style, noscript, mjx-container, [disabled]")) continue;
      const style = getComputedStyle(e);
      const ink = parse(e.closest("svg") ? style.fill : style.color);
      ink[3] *= opacity(e);
      const paper = background(e);
      const ratio = contrast(over(ink, paper), paper);
      if (ratio < (isLarge(style) ? 3 : 4.5)) {
        found.push(`${ratio.toFixed(2)} ${e.tagName.toLowerCase()}.${e.className}: ${text.slice(0, 40)}`);
      }
    }
    return found;
  }

  function badAlt() {
    return [...document.images]
      .filter((i) => !i.closest("[aria-hidden=true]"))
      .filter((i) => !i.alt.trim() || /(\/|\.(png|svg|jpe?g|gif|webp)$)/i.test(i.alt.trim()))
      .map((i) => `${i.src.slice(-60)}: alt=${JSON.stringify(i.alt)}`);
  }

  function brokenImages() {
    return [...document.images]
      .filter((i) => i.loading !== "lazy" && i.complete && !i.naturalWidth)
      .map((i) => i.src.slice(-80));
  }

  function wide() {
    const width = document.documentElement.scrollWidth;
    if (width <= innerWidth) return [];
    const sticking = [...document.querySelectorAll("body *")]
      .filter((e) => isShown(e) && e.getBoundingClientRect().right > innerWidth + 1)
      .map((e) => `${e.tagName.toLowerCase()}.${e.className}`);
    return [`${width} px wide: ${sticking.slice(0, 5).join(", ")}`];
  }

  function unrenderedMath() {
    const wanted = document.querySelectorAll(".math.notranslate").length;
    const done = document.querySelectorAll(".math.notranslate mjx-container svg").length;
    const wrong = [...document.querySelectorAll("[data-mjx-error]")].map((e) => e.dataset.mjxError);
    return (done < wanted ? [`${wanted - done} of ${wanted} formulas not rendered`] : []).concat(wrong);
  }

  return { faintText, badAlt, brokenImages, wide, unrenderedMath };
})();
