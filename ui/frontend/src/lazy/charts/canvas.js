// What draws a chart as a picture: fetched when somebody saves one.

export { CanvasRenderer } from "echarts/renderers";
