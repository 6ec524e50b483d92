// The page that shows what the API can do, and tries it: Swagger UI over the document that this site makes for whoever
// is signed in. Requests go to this origin alone, with the cookie of the sign-in or with a token that is typed in.

import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";

const place = document.getElementById("api-docs");

// The colours follow the page, which may leave them to the system.
const system = window.matchMedia("(prefers-color-scheme: dark)");
function paint() {
  const chosen = document.documentElement.dataset.bsTheme;
  document.documentElement.classList.toggle("dark-mode", chosen === "dark" || (chosen === "auto" && system.matches));
}

if (place) {
  paint();
  system.addEventListener("change", paint);
  const language = document.documentElement.lang;
  SwaggerUI({
    domNode: place,
    url: place.dataset.document,
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    defaultModelRendering: "model",
    displayRequestDuration: true,
    docExpansion: "none",
    filter: true,
    persistAuthorization: false,
    showExtensions: false,
    tagsSorter: "alpha",
    validatorUrl: null, // it would send the document to a server elsewhere
    requestInterceptor(request) {
      request.headers["Accept-Language"] ??= language;
      return request;
    },
    onComplete() {
      document.getElementById("api-docs-waiting")?.remove();
    },
  });
}
