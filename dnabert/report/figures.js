// Every figure and the map download as SVG and as PNG, drawn in the browser: nothing is fetched.
(() => {
  "use strict";
  const { save, tools, named } = window.dnabertDownload;
  const { inLight, picture: mapPicture } = window.dnabertMap;
  const decoded = (address) => {
    const [head, body] = [address.slice(5, address.indexOf(",")), address.slice(address.indexOf(",") + 1)];
    const content = head.endsWith(";base64") ? Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0)) : decodeURIComponent(body);
    return new Blob([content], { type: head.replace(/;.*/, "") });
  };
  const drawn = (image, done) => {
    const scale = 2; // about 200 dots per inch on paper
    const canvas = document.createElement("canvas");
    canvas.width = scale * image.naturalWidth;
    canvas.height = scale * image.naturalHeight;
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob(done, "image/png");
  };
  const png = (blob, file) => {
    const image = new Image();
    image.onload = () => { drawn(image, (picture) => save(picture, file)); URL.revokeObjectURL(image.src); };
    image.src = URL.createObjectURL(blob);
  };
  for (const figure of document.querySelectorAll("figure")) {
    const picture = figure.querySelector("img, svg");
    const blob = () => (picture.tagName === "IMG" ? decoded(picture.src)
      : new Blob([inLight(() => new XMLSerializer().serializeToString(picture))], { type: "image/svg+xml" }));
    tools(figure.querySelector("figcaption") ?? picture, named(figure, "figure"), [["SVG", (file) => save(blob(), file)], ["PNG", (file) => png(blob(), file)]]);
  }
  const map = (act) => act(new Blob([inLight(mapPicture)], { type: "image/svg+xml" }));
  document.getElementById("map-svg").addEventListener("click", () => map((blob) => save(blob, "map.svg")));
  document.getElementById("map-png").addEventListener("click", () => map((blob) => png(blob, "map.png")));
})();
