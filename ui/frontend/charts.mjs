// ECharts brings more than Guanxi's charts ask of it, and much of that hangs together, so that no bundler leaves it out.
// What stands here takes the place of such modules. Where one is called, it does what the real one would do with the
// options of src/lazy/charts/draw.js. A build fails when a module is not there any more or has to export something else.

const NOTHING = "export default function () {}";
const INSTEAD = {
  // Options of ECharts 2 to 4; ours are written for this one.
  "echarts/lib/preprocessor/backwardCompat.js": NOTHING,
  "echarts/lib/legacy/dataSelectAction.js":
    "export function createLegacyDataSelectAction() {} export function handleLegacySelectEvents() {}",
  // Colours and words come from the page: no theme of its own, no sign that something is loading, no patterns.
  "echarts/lib/theme/dark.js": "export default {}",
  "echarts/lib/loading/default.js": NOTHING,
  "echarts/lib/util/decal.js": "export function createOrUpdatePatternFromDecal() { return null; }",
  // Tips are rich text, since the content security policy lets no script write styles into the page.
  "echarts/lib/component/tooltip/TooltipHTMLContent.js": "export default class {}",
  // The server groups and sums, so nothing is transformed or thinned out here; axes are names or plain numbers.
  "echarts/lib/data/helper/transform.js":
    "export function registerExternalTransform() {} export function applyDataTransform() { return []; }",
  "echarts/lib/processor/dataSample.js": "export default function () { return { seriesType: 'none' }; }",
  "echarts/lib/scale/Log.js": "export default class {}",
  "echarts/lib/scale/Time.js": "export default class {} export function calcNiceForTimeScale() {}",
  // For pictures that a server draws and that move by CSS, for symbols given as paths, and for drawing bit by bit.
  "zrender/lib/svg/cssAnimation.js": "export function createCSSAnimation() {} export const ANIMATE_STYLE_MAP = {};",
  "zrender/lib/svg/cssEmphasis.js": "export function createCSSEmphasis() {}",
  "zrender/lib/tool/path.js":
    "export function createFromString() {} export function extendFromString() {} export function mergePath() {}"
    + " export function clonePath() {}",
  "zrender/lib/graphic/IncrementalDisplayable.js": "export default class {}",
  // Browsers sort stably by themselves now.
  "zrender/lib/core/timsort.js": "export default function (all, compare) { all.sort(compare); }",
};

/** A plugin of esbuild that puts these in place. */
export const lighter = {
  name: "lighter charts",
  setup({ onLoad, onEnd }) {
    const unseen = new Set(Object.keys(INSTEAD));
    onLoad({ filter: /[/\\](?:echarts|zrender)[/\\]lib[/\\].*\.js$/ }, ({ path }) => {
      const name = path.replaceAll("\\", "/").replace(/^.*\/node_modules\//, "");
      unseen.delete(name);
      return name in INSTEAD ? { contents: INSTEAD[name] } : undefined;
    });
    onEnd(() => ({
      errors: [...unseen].map((name) => ({ text: `charts.mjs replaces ${name}, which nothing asks for any more` })),
    }));
  },
};
