// Charts. The page holds the numbers twice: as a table inside <details> for
// everyone, and as JSON for the drawing:
//   <figure class="chart" data-chart>
//     <script type="application/json">{"kind":"line","x":[…],"series":[{"name":…,"data":[…]}]}</script>
//     <div class="chart-plot"></div>
//     <details>…table…</details>
//   </figure>
// JSON fields: kind "line" | "bar"; x labels; series [{name, data, tone?, kind?, stack?}];
// unit?; label? (spoken summary). tone is one of accent, ink, danger, warn, ok, mute.

let library;

function load() {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("../vendor/echarts.common.min.js", import.meta.url).href;
    script.onload = () => resolve(window.echarts);
    script.onerror = () => reject(new Error("chart library did not load"));
    document.head.append(script);
  });
  return library;
}

export function charts(root) {
  const figures = [...root.querySelectorAll("figure[data-chart]")].filter((f) => !f.dataset.ready);
  if (figures.length === 0) return;
  load().then(
    (echarts) => figures.forEach((figure) => draw(echarts, figure)),
    () => figures.forEach((figure) => figure.querySelector("details")?.setAttribute("open", "")),
  );
}

function palette() {
  const css = getComputedStyle(document.documentElement);
  const read = (name) => css.getPropertyValue(name).trim();
  return {
    accent: read("--accent"), ink: read("--ink"), danger: read("--danger"), warn: read("--warn"),
    ok: read("--ok"), mute: read("--edge"), soft: read("--shade-3"),
    line: read("--line"), text: read("--ink-3"), panel: read("--panel"), font: read("--sans"),
  };
}

function draw(echarts, figure) {
  const source = figure.querySelector('script[type="application/json"]');
  const plot = figure.querySelector(".chart-plot");
  if (!source || !plot) return;
  let data;
  try {
    data = JSON.parse(source.textContent);
  } catch {
    data = {};
  }
  // Without usable data the table below the chart stands in for it.
  if (!Array.isArray(data.x) || !Array.isArray(data.series)) {
    figure.querySelector("details")?.setAttribute("open", "");
    return;
  }
  figure.dataset.ready = "1";
  plot.classList.add("is-live");
  const tone = palette();
  const order = ["accent", "warn", "ok", "mute", "ink", "danger"];
  const marks = ["circle", "rect", "triangle", "diamond", "circle", "rect"];
  const dashes = ["solid", "dashed", "dotted", "solid", "dashed", "dotted"];
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const chart = echarts.init(plot, null, { renderer: "svg" });
  chart.setOption({
    animation: !still,
    animationDuration: 300,
    textStyle: { fontFamily: tone.font, color: tone.text, fontSize: 12 },
    aria: { enabled: true, label: { description: data.label ?? figure.getAttribute("aria-label") ?? "" } },
    grid: { left: 4, right: 12, top: data.series.length > 1 ? 36 : 16, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    legend: data.series.length > 1
      ? { top: 0, left: 0, itemWidth: 18, itemHeight: 8, itemGap: 16, icon: undefined, textStyle: { color: tone.text, fontSize: 12 } }
      : undefined,
    tooltip: {
      trigger: "axis",
      confine: true,
      backgroundColor: tone.panel,
      borderColor: tone.mute,
      padding: 8,
      extraCssText: "",
      axisPointer: { type: data.kind === "bar" ? "shadow" : "line", lineStyle: { color: tone.mute }, shadowStyle: { color: "rgba(16,48,58,0.06)" } },
      // Nodes, not markup: the page's policy allows no inline style, and text
      // from the data must never be read as HTML.
      formatter: (points) => tip(points, data.unit ?? ""),
    },
    xAxis: {
      type: "category",
      data: data.x,
      boundaryGap: data.kind === "bar",
      axisTick: { show: false },
      axisLine: { lineStyle: { color: tone.mute } },
      axisLabel: { color: tone.text, hideOverlap: true, margin: 10 },
    },
    yAxis: {
      type: "value",
      minInterval: 1,
      axisLabel: { color: tone.text },
      splitLine: { lineStyle: { color: tone.line } },
    },
    series: data.series.map((series, at) => {
      const kind = series.kind ?? data.kind;
      const color = tone[series.tone ?? order[at % order.length]] ?? tone.accent;
      return kind === "bar"
        ? { type: "bar", name: series.name, data: series.data, stack: series.stack, barMaxWidth: 24, itemStyle: { color }, emphasis: { disabled: true } }
        : {
            type: "line", name: series.name, data: series.data, showSymbol: data.x.length < 20,
            symbol: marks[at % marks.length], symbolSize: 6, lineStyle: { width: 2, type: dashes[at % dashes.length], color },
            itemStyle: { color }, emphasis: { disabled: true },
          };
    }),
  });
  new ResizeObserver(() => chart.resize()).observe(plot);
  window.addEventListener("beforeprint", () => chart.resize());
}

function tip(points, unit) {
  const box = document.createElement("div");
  box.className = "chart-tip";
  const head = document.createElement("b");
  head.textContent = points[0]?.axisValueLabel ?? "";
  box.append(head);
  for (const point of points) {
    const line = document.createElement("span");
    const name = document.createElement("span");
    name.textContent = point.seriesName;
    const value = document.createElement("strong");
    value.textContent = `${point.value ?? "—"}${unit}`;
    line.append(name, value);
    box.append(line);
  }
  return box;
}
