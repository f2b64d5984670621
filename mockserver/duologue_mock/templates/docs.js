// Swagger UI with this mock's own document: calls go to it, with the development key of the chat service.
const dark = matchMedia("(prefers-color-scheme: dark)");
const applyColors = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
applyColors();
dark.addEventListener("change", applyColors);

const operations = document.getElementById("operations");
const ui = SwaggerUIBundle({
  url: "/openapi.json",
  domNode: operations,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null, // else it would send the document to a validator elsewhere
  presets: [SwaggerUIBundle.presets.apis],
  onComplete: () => ui.preauthorizeApiKey("apiKey", operations.dataset.apiKey),
});
