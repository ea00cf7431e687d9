"""ONNX files: exported, put into one form, quantized, and how large they will be."""
