// Takes out of Tabler's stylesheet what no page can use: four fifths of it. A rule stays when every class, element and
// attribute that it names is a word of the templates, of the Python beside them, of plug-ins or of the scripts of the
// pages, those of packages included; so a rule too many may stay, and none that is named somewhere goes.
//
// Only a class that is put together at run time has to be told of here: in COMPOSED, with where that happens.

import { readFileSync } from "node:fs";

import { PurgeCSS } from "purgecss";

const COMPOSED = [
  /^bg-.+-lt$/, // badges of states: bg-{{ job.colour }}-lt
  /^bg-(azure|blue|cyan|green|indigo|lime|orange|pink|purple|red|secondary|teal|yellow)$/, // options: ui/templates/_numbers.html
  /^alert-(danger|info|success|warning)$/, // ui/templates/_notices.html, src/toast.js
];
const COLOURS = /^--tblr-(azure|blue|cyan|green|indigo|lime|orange|pink|purple|red|teal|yellow)$/; // of charts

// What people write into notes and rich texts comes as these, whether a template has them or not.
const WRITTEN = "a abbr b blockquote br code col colgroup del em h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre s"
  + " small strong sub sup table tbody td tfoot th thead tr u ul";

/** Return a stylesheet without the rules, properties and animations that none of the files can use. */
export async function trimmed(stylesheet, files) {
  const words = new Set(WRITTEN.split(" "));
  for (const file of files) {
    readFileSync(file, "utf8").match(/[\w-]+/g)?.forEach((word) => words.add(word));
  }
  const found = [...words];
  const [result] = await new PurgeCSS().purge({
    content: [{ raw: "", extension: "html" }],
    css: [{ raw: readFileSync(stylesheet, "utf8") }],
    defaultExtractor: () => found,
    keyframes: true,
    variables: true,
    safelist: {
      standard: COMPOSED,
      keyframes: found, // PurgeCSS sees those that Tabler's rules use; these may be used by ours
      variables: [COLOURS, ...found.filter((word) => word.startsWith("--"))],
    },
  });
  return result.css;
}
