// Read a request on stdin: folder, name, texts, options; print what two ways of transformers.js give, as JSON.
const { env, pipeline, AutoTokenizer, AutoModel } = require("@huggingface/transformers");

async function main() {
  const { folder, name, dtype, texts, options } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
  env.allowRemoteModels = false;
  env.localModelPath = folder;
  const run = await pipeline("feature-extraction", name, { dtype });
  const tokenizer = await AutoTokenizer.from_pretrained(name);
  const model = await AutoModel.from_pretrained(name, { dtype });
  const all = await model(tokenizer(texts, { padding: true, truncation: true }));
  const pooled = await run(texts, options);
  console.log(JSON.stringify({ pipeline: pooled.tolist(), output: all.sentence_embedding.tolist() }));
}

main();
