// Plain JavaScript on purpose: it must be readable by the runtimes that it turns away.
const wanted = 24;
const major = Number(process.versions.node.split('.')[0]);

if (major < wanted) {
  process.stderr.write(
    `Sallyport needs Node.js ${wanted} or newer; this is ${process.version}. ` +
      `"npm ci" brings a fitting one into node_modules/.bin: run it without --ignore-scripts and without --omit=dev.\n`,
  );
  process.exit(1);
}
