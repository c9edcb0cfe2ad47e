"""Words by which people look for pages, beside those that are on them: MkDocs's search finds both.

`tests/questions.toml` has the questions that they come from.
"""

BOOSTS = {"tutorial": 2.0, "how-to": 2.0, "literature": 0.7, "coming-from": 0.4, "explanation": 0.7}
"""How much a page counts, by its folder; 1 for the others."""

WORDS = {
    "explanation/figures": ["formulas", "metrics", "how accuracy is computed"],
    "explanation/repeatable-runs": ["reproducible", "deterministic", "random seed"],
    "explanation/security": ["pickle", "untrusted files"],
    "explanation/why-keras": ["why not PyTorch", "torch"],
    "how-to/augment": ["data augmentation"],
    "how-to/bring-your-data": ["dataset layout", "CSV labels", "HEIC", "image formats"],
    "how-to/check-a-data-set": ["corrupt images", "duplicate images", "clean"],
    "how-to/choose-a-network": ["which network to use", "which model", "pretrained weights"],
    "how-to/compare": ["leaderboard"],
    "how-to/divide-your-data": ["train test split", "stratified", "patient"],
    "how-to/evaluate": ["accuracy", "confidence interval", "F1"],
    "how-to/few-images": ["few images", "small data set", "cross-validation"],
    "how-to/find-a-learning-rate": ["lr finder", "loss is nan", "val_loss nan"],
    "how-to/gpus": ["CUDA", "out of memory", "OOM"],
    "how-to/groups-and-leaks": ["leakage", "same patient", "duplicate images"],
    "how-to/install": ["pip install", "command not found", "requirements", "Windows", "uninstall"],
    "how-to/look-inside": ["heatmap", "explain", "why"],
    "how-to/microscopy": ["16-bit TIFF", "medical", "black images"],
    "how-to/predict": ["inference", "classify new images"],
    "how-to/report": ["results", "HTML page", "overfitting"],
    "how-to/resume-a-run": ["crash", "checkpoint", "interrupted"],
    "how-to/search": ["hyperparameter search", "grid search", "tuning"],
    "how-to/serve": ["REST API", "HTTP server", "deploy", "production"],
    "how-to/track-runs": ["TensorBoard", "wandb", "MLflow"],
    "how-to/train-in-stages": ["freeze layers", "early stopping"],
    "how-to/transfer": ["transfer learning", "embeddings"],
    "how-to/unbalanced-classes": ["imbalanced", "class weights"],
    "how-to/use-from-python": ["Python script", "API"],
    "literature/pathway": ["overfitting", "underfitting"],
    "reference/configuration": ["custom loss function", "YAML"],
    "reference/errors": ["exit code", "error message"],
    "reference/file-formats": ["image formats", "HEIC"],
    "reference/stability": ["changelog", "what changed in this version", "release notes"],
    "reference/run-directory": ["where results are saved", "output"],
    "index": ["object detection", "multi-label", "license"],
    "tutorial/your-own-images": ["own photos", "custom data set"],
}
"""By page. They stand beside it in the results."""


def on_page_markdown(markdown: str, *, page: object, **_: object) -> str:
    """Gives a page its words, and the weight of its folder."""
    name = page.file.src_uri.removesuffix(".md")
    page.meta.setdefault("search", {"boost": BOOSTS.get(name.partition("/")[0], 1.0)})
    page.meta.setdefault("tags", WORDS.get(name, []))
    return markdown
