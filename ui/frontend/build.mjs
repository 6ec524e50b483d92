// Builds what the pages load, from src/ and the packages of package.json into a folder:
//
//   node build.mjs [FOLDER]      FOLDER is ../static/dist unless it is given
//
// Every name in the folder carries a hash of its content, so a browser may keep a file for ever; manifest.json maps
// the plain names to those names. Beside each file lie its .gz and .br, for servers that hand such files out.
//
//   src/app.js, src/*.js         one file, app.js, which every page loads
//   src/lazy/*.js, *.css         files of their own, loaded by the pages that need them
//   src/style.css                style.css, which every page loads; trim.mjs takes out of Tabler what no page uses
//   icons.txt                    icons.svg, a sprite of the icons named there, and icons.json, their names

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";

import { build } from "esbuild";

import { lighter } from "./charts.mjs";
import { trimmed } from "./trim.mjs";

const here = dirname(fileURLToPath(import.meta.url));
// A running site reads the folder: what is built stands aside until it is whole, and then takes its place at once.
const place = resolve(process.argv[2] ?? join(here, "../static/dist"));
const out = `${place}.new`;
const packages = join(here, "node_modules");
const manifest = {};

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

// `import "guanxi:parts"` in app.js stands for all of the other files of src/: one that only exports adds nothing.
const parts = {
  name: "parts",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^guanxi:parts$/ }, () => ({ path: "parts", namespace: "parts" }));
    onLoad({ filter: /.*/, namespace: "parts" }, () => ({
      contents: readdirSync(join(here, "src"))
        .filter((name) => name.endsWith(".js") && name !== "app.js")
        .sort()
        .map((name) => `import ${JSON.stringify(`./${name}`)};`)
        .join("\n"),
      resolveDir: join(here, "src"),
    }));
  },
};

// Tabler's stylesheet, less what neither Guanxi's own files nor the scripts that are built before it name.
const tabler = {
  name: "tabler",
  setup({ onLoad }) {
    onLoad({ filter: /[/\\]tabler\.css$/ }, async ({ path }) => {
      const scripts = readdirSync(out).filter((name) => /^app-.*\.js$/.test(name)).map((name) => join(out, name));
      const all = [...files(join(here, "..")), ...files(join(here, "../../plugins")), ...scripts];
      return { contents: await trimmed(path, all), loader: "css" };
    });
  },
};

const common = {
  absWorkingDir: here,
  outdir: out,
  entryNames: "[name]-[hash]",
  chunkNames: "chunk-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  format: "esm",
  splitting: true,
  minify: true,
  metafile: true,
  legalComments: "none", // the licences of what is bundled go into licences.txt
  target: ["es2022", "chrome109", "firefox115", "safari16"],
  plugins: [parts, tabler],
  logLevel: "warning",
  logOverride: { "ignored-bare-import": "silent" }, // a part that only exports is meant to be left out
};
// Built apart: what two of them shared would be one more file for every page to wait for.
const builds = [
  await build({ ...common, entryPoints: ["src/app.js"] }),
  await build({ ...common, entryPoints: ["src/style.css"] }),
  await build({
    ...common,
    entryPoints: [...listed("src/lazy", ".js"), ...listed("src/lazy", ".css")],
    plugins: [...common.plugins, lighter],
  }),
];
const [inputs, outputs] = ["inputs", "outputs"].map((part) =>
  Object.assign({}, ...builds.map((each) => each.metafile[part])),
);

for (const [file, output] of Object.entries(outputs)) {
  if (output.entryPoint !== undefined) {
    manifest[basename(output.entryPoint)] = basename(file);
  }
}
writeSprite();
writeLicences();
write("manifest.json", `${JSON.stringify(manifest, null, 2)}\n`);
compress();
rmSync(place, { recursive: true, force: true });
renameSync(out, place);

function listed(folder, ending) {
  return existsSync(join(here, folder))
    ? readdirSync(join(here, folder)).filter((name) => name.endsWith(ending)).sort().map((name) => `${folder}/${name}`)
    : [];
}

/** The files below a folder that may name a class, but for what is built and the packages. */
function files(folder) {
  return (existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : []).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      return ["node_modules", "static"].includes(entry.name) ? [] : files(path);
    }
    return /\.(css|html|js|py)$/.test(entry.name) ? [path] : [];
  });
}

function write(name, text) {
  writeFileSync(join(out, name), text);
}

/** One <symbol> for each icon that icons.txt names; the stroke's width and the colour come from the page. */
function writeSprite() {
  const names = readFileSync(join(here, "icons.txt"), "utf8")
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter(Boolean);
  const unknown = [];
  const symbols = [...new Set(names)].sort().map((name) => {
    const filled = name.endsWith("-filled");
    const folder = filled ? "filled" : "outline";
    const file = join(packages, "@tabler/icons/icons", folder, `${name.replace(/-filled$/, "")}.svg`);
    if (!existsSync(file)) {
      unknown.push(name);
      return "";
    }
    const drawing = readFileSync(file, "utf8")
      .replace(/^[^]*?<svg[^>]*>/, "")
      .replace("</svg>", "")
      .replace('<path stroke="none" d="M0 0h24v24H0z" fill="none" />', "")
      .replace(/\s+/g, " ")
      .trim();
    const paint = filled
      ? 'fill="currentColor" stroke="none"'
      : 'fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round"';
    return `<symbol id="${name}" viewBox="0 0 24 24" ${paint}>${drawing}</symbol>`;
  });
  if (unknown.length > 0) {
    console.error(`icons.txt names icons that @tabler/icons does not have: ${unknown.join(", ")}`);
    process.exit(1);
  }
  const sprite = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`;
  const hash = createHash("sha256").update(sprite).digest("hex").slice(0, 8).toUpperCase();
  manifest["icons.svg"] = `icons-${hash}.svg`;
  write(manifest["icons.svg"], sprite);
  write("icons.json", `${JSON.stringify([...new Set(names)].sort())}\n`);
}

/** The packages that went into the files, each with its licence. */
function writeLicences() {
  const used = new Set(["@tabler/icons"]);
  const within = new Map(); // some packages are bundles themselves, and say of what
  for (const input of Object.keys(inputs)) {
    const found = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input);
    if (found) {
      used.add(found[1]);
      const beside = join(here, `${input}.LICENSE.txt`);
      if (existsSync(beside)) {
        within.set(found[1], readFileSync(beside, "utf8").trim());
      }
    }
  }
  const texts = [...used].sort().map((name) => {
    const { version, license, homepage } = JSON.parse(readFileSync(join(packages, name, "package.json"), "utf8"));
    const file = readdirSync(join(packages, name)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? readFileSync(join(packages, name, file), "utf8").trim() : "";
    const more = within.has(name) ? `\n${within.get(name)}\n` : "";
    return `${name} ${version} (${license}) ${homepage ?? ""}\n\n${text}\n${more}`;
  });
  write("licences.txt", texts.join(`\n${"-".repeat(100)}\n\n`));
}

/** Write name.gz and name.br for each file and say how big the files are. */
function compress() {
  for (const name of readdirSync(out).filter((entry) => /\.(css|js|svg)$/.test(entry)).sort()) {
    const content = readFileSync(join(out, name));
    const packed = gzipSync(content, { level: 9 });
    writeFileSync(join(out, `${name}.gz`), packed);
    if (!name.startsWith("api_docs")) {
      writeFileSync(join(out, `${name}.br`), brotliCompressSync(content)); // six times the work, an eighth less to load
    }
    const [size, small] = [content, packed].map((bytes) => (bytes.length / 1000).toFixed(1).padStart(7));
    console.log(`${relative(join(here, "../.."), join(place, name)).padEnd(48)} ${size} kB ${small} kB gz`);
  }
}
