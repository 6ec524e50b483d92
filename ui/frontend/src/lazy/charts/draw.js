// Draws charts from what stands in data-chart; beside each stands a table of the same numbers. Colours come from the page's own properties, so a chart follows the theme; nothing moves for who asked for
// less motion. Pressing a bar, a point or a piece opens the list of exactly those records.

import { BarChart, FunnelChart, LineChart, PieChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendPlainComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { install as SVGRenderer } from "echarts/lib/renderer/installSVGRenderer.js"; // "echarts/renderers" has both

echarts.use([
  AriaComponent, BarChart, FunnelChart, GridComponent, LegendPlainComponent, LineChart, PieChart, SVGRenderer,
  TooltipComponent,
]);

const ORDER = ["blue", "teal", "orange", "purple", "green", "pink", "cyan", "yellow", "indigo", "red", "lime", "azure"];
const LONGEST_NAME = 18;
const language = document.documentElement.lang.startsWith("zh") ? "zh-CN" : document.documentElement.lang || "en";
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const brief = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });

/** Return a colour of the page as the browser has it just now. */
function colour(name, place) {
  const probe = document.createElement("i");
  probe.style.color = `var(--tblr-${name})`;
  place.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  // Colours of newer kinds are not understood by what draws: a pixel says what they come to.
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d");
  pen.fillStyle = found;
  pen.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
  return `rgba(${red},${green},${blue},${(alpha / 255).toFixed(3)})`;
}

function palette(place) {
  const known = new Map();
  return (name) => {
    if (!known.has(name)) {
      known.set(name, colour(name, place));
    }
    return known.get(name);
  };
}

const shortened = (text) => (text.length > LONGEST_NAME ? `${text.slice(0, LONGEST_NAME - 1)}…` : text);

function written(value, unit) {
  return unit === "percent" ? `${brief.format(value)}%` : brief.format(value);
}

/** Return what every chart has: words in the page's font and colours, a tip that is text alone, words for who listens. */
function base(data, paint) {
  const ink = paint("body-color");
  return {
    animation: !calm.matches,
    animationDuration: 250,
    aria: { enabled: true, decal: { show: false } },
    color: ORDER.map(paint),
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: ink, fontSize: 12 },
    tooltip: {
      renderMode: "richText",
      confine: true,
      backgroundColor: paint("bg-surface"),
      borderColor: paint("border-color"),
      textStyle: { color: ink, fontSize: 12 },
    },
    legend: {
      show: data.series.length > 1,
      type: "plain",
      top: 0,
      left: 0,
      itemWidth: 10,
      itemHeight: 10,
      itemGap: 12,
      icon: "circle",
      textStyle: { color: paint("secondary") },
    },
  };
}

function colourOf(series, place, paint) {
  return paint(series.color || ORDER[place % ORDER.length]);
}

function axes(data, paint, lying) {
  const quiet = paint("secondary");
  const units = [...new Set(data.series.map((each) => each.unit))].slice(0, 2);
  const names = {
    type: "category",
    data: data.names,
    inverse: lying,
    axisTick: { show: false },
    axisLine: { lineStyle: { color: paint("border-color") } },
    axisLabel: { color: quiet, hideOverlap: true, formatter: lying ? shortened : undefined },
  };
  const values = units.map((unit, place) => ({
    type: "value",
    position: lying ? undefined : place ? "right" : "left",
    minInterval: unit === "number" ? 1 : undefined,
    splitNumber: 4,
    splitLine: { show: place === 0, lineStyle: { color: paint("border-color"), opacity: 0.6 } },
    axisLabel: { color: quiet, hideOverlap: true, formatter: (value) => written(value, unit) },
  }));
  return { units, names, values };
}

/** Return how many lines the names of the series take. */
function legendLines(data, width) {
  const wide = (text) => [...text].reduce((sum, letter) => sum + (letter > "\u2E80" ? 12 : 7), 34);
  return Math.max(1, Math.ceil(data.series.reduce((sum, each) => sum + wide(each.name), 0) / Math.max(width - 40, 100)));
}

/** Bars that stand or lie, lines and areas. */
function crossed(data, paint, width) {
  const lying = data.kind === "bar";
  const lines = data.kind === "line" || data.kind === "area";
  const { units, names, values } = axes(data, paint, lying);
  const axis = lying ? "xAxisIndex" : "yAxisIndex";
  const alone = data.series.length === 1;
  return {
    grid: { left: 4, right: 12, top: alone ? 12 : 12 + 22 * legendLines(data, width), bottom: 4, containLabel: true },
    xAxis: lying ? values : names,
    yAxis: lying ? names : values,
    tooltip: {
      trigger: "axis",
      axisPointer: { type: lines ? "line" : "shadow", shadowStyle: { opacity: 0.08 } },
      formatter: (points) =>
        [data.names[points[0].dataIndex], ...points.map((each) => tip(data, each))].join("\n"),
    },
    series: data.series.map((each, place) => ({
      type: lines ? "line" : "bar",
      name: each.name,
      data: each.values.map((value, row) =>
        alone && !lines && data.colors[row] ? { value, itemStyle: { color: paint(data.colors[row]) } } : value,
      ),
      [axis]: Math.max(units.indexOf(each.unit), 0),
      stack: data.stacked ? "all" : undefined,
      itemStyle: { color: colourOf(each, place, paint), borderRadius: data.stacked ? 0 : lying ? [0, 3, 3, 0] : [3, 3, 0, 0] },
      lineStyle: { width: 2 },
      areaStyle: data.kind === "area" ? { opacity: 0.15 } : undefined,
      barMaxWidth: 28,
      symbolSize: 6,
      connectNulls: false,
      cursor: "pointer",
    })),
  };
}

function tip(data, point) {
  const text = data.series[point.seriesIndex]?.texts[point.dataIndex];
  return `${point.seriesName}: ${text || "—"}`;
}

/** Pieces of a whole, and steps that grow narrower. */
function parts(data, paint) {
  const [only] = data.series;
  const pieces = data.names.map((name, place) => ({
    name,
    value: Math.max(only.values[place] ?? 0, 0),
    itemStyle: { color: paint(data.colors[place] || ORDER[place % ORDER.length]) },
  }));
  const tooltip = {
    trigger: "item",
    formatter: (point) =>
      `${point.name}\n${only.name}: ${only.texts[point.dataIndex]}${point.percent ? ` (${point.percent}%)` : ""}`,
  };
  const label = { color: paint("body-color"), formatter: (point) => `${shortened(point.name)}\n${only.texts[point.dataIndex]}` };
  const common = { name: only.name, data: pieces, cursor: "pointer" };
  if (data.kind === "funnel") {
    return {
      tooltip,
      legend: { show: false },
      series: [
        {
          ...common,
          type: "funnel",
          sort: "none",
          left: 4,
          right: "45%",
          top: 8,
          bottom: 8,
          minSize: "4%",
          gap: 3,
          label: { ...label, position: "right" },
          labelLine: { show: true, length: 8, lineStyle: { color: paint("border-color") } },
        },
      ],
    };
  }
  return {
    tooltip,
    legend: { ...base(data, paint).legend, show: true, type: "plain", orient: "horizontal", bottom: 0, top: "auto" },
    series: [
      {
        ...common,
        type: "pie",
        radius: data.kind === "donut" ? ["46%", "70%"] : [0, "70%"],
        center: ["50%", "42%"],
        itemStyle: { borderColor: paint("bg-surface"), borderWidth: 2 },
        label: { show: false },
        emphasis: { label: { show: false } },
      },
    ],
  };
}

const KINDS = { funnel: parts, pie: parts, donut: parts };

function options(data, place) {
  const paint = palette(place);
  const common = base(data, paint);
  const own = (KINDS[data.kind] ?? crossed)(data, paint, place.clientWidth);
  return { ...common, ...own, tooltip: { ...common.tooltip, ...own.tooltip }, legend: { ...common.legend, ...own.legend } };
}

function way(data, point) {
  return data.series[point.seriesIndex]?.links[point.dataIndex];
}

const drawn = new Map();

/** Draw what stands in an element, once. */
export function draw(place) {
  if (drawn.has(place) || !place.dataset.chart) {
    return;
  }
  const data = JSON.parse(place.dataset.chart);
  const chart = echarts.init(place, null, { renderer: "svg" });
  chart.setOption(options(data, place));
  chart.on("click", (point) => {
    const address = way(data, point);
    if (address) {
      location.assign(address);
    }
  });
  const sizes = new ResizeObserver(() => chart.resize());
  sizes.observe(place);
  drawn.set(place, { chart, data, sizes });
  const button = place.parentElement.querySelector("[data-picture]");
  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => picture(place));
  }
}

/** Save a chart as a PNG, twice as large as it stands on the page, on the colour that it stands on. */
async function picture(place) {
  const paint = palette(place);
  const { width, height } = place.getBoundingClientRect();
  const image = new Image(width, height);
  const drawing = new XMLSerializer().serializeToString(place.querySelector("svg"));
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(drawing)}`;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: 2 * width, height: 2 * height });
  const pen = canvas.getContext("2d");
  pen.fillStyle = paint("bg-surface");
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  const title = place.closest("[aria-labelledby]")?.querySelector("h1, h2") ?? document.querySelector("h1");
  const link = document.createElement("a");
  link.download = `${title?.textContent.trim() || "chart"}.png`;
  link.href = canvas.toDataURL("image/png");
  link.click();
}

function redraw() {
  for (const [place, { chart, data, sizes }] of drawn) {
    if (place.isConnected) {
      chart.setOption(options(data, place), true);
    } else {
      sizes.disconnect();
      chart.dispose();
      drawn.delete(place);
    }
  }
}

new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
dark.addEventListener("change", redraw);
