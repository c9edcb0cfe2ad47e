"""The networks of the literature as they are written by hand in Keras, and compiled as usual."""

from collections.abc import Callable

import keras
from keras import layers, regularizers
from network_clock import CLASSES, NAME, SIZE, measure

Tensor = keras.KerasTensor


def make() -> keras.Model:
    inputs = keras.Input((SIZE, SIZE, 3))
    x = prepared(inputs)
    for add in NETWORKS[NAME]():
        x = add(x)
    model = keras.Model(inputs, x)
    model.compile(keras.optimizers.Adam(3e-3), "categorical_crossentropy", metrics=["accuracy"])
    return model


def prepared(x: Tensor) -> Tensor:
    if NAME == "resnet50":
        return keras.applications.resnet.preprocess_input(x)
    if NAME == "vgg16":
        return keras.applications.vgg16.preprocess_input(x)
    if NAME in ("shallownet", "lenet", "minivggnet", "resnet18", "lecture_cnn", "mlp", "cnn"):
        return layers.Rescaling(1 / 255)(x)
    return layers.Rescaling(1.0, offset=-127.0)(x)


def conv(filters: int, size: int = 3, **options: object) -> layers.Layer:
    return layers.Conv2D(filters, size, padding="same", **options)


def softmax(**options: object) -> layers.Layer:
    return layers.Dense(CLASSES, activation="softmax", **options)


def minivgg() -> list[layers.Layer]:
    found: list[layers.Layer] = []
    for filters in (32, 64):
        for _ in range(2):
            found += [conv(filters), layers.ReLU(), layers.BatchNormalization()]
        found += [layers.MaxPooling2D(2), layers.Dropout(0.25)]
    hidden = [layers.Dense(512), layers.ReLU(), layers.BatchNormalization(), layers.Dropout(0.5)]
    return [*found, layers.Flatten(), *hidden, softmax()]


def alexnet() -> list[layers.Layer]:
    l2 = regularizers.L2(2e-4)
    found: list[layers.Layer] = []
    for filters, size, strides, pooled in (
        (96, 11, 4, True),
        (256, 5, 1, True),
        (384, 3, 1, False),
        (384, 3, 1, False),
        (256, 3, 1, True),
    ):
        found += [conv(filters, size, strides=strides, kernel_regularizer=l2), layers.ReLU()]
        found += [layers.BatchNormalization()]
        if pooled:
            found += [layers.MaxPooling2D(3, 2), layers.Dropout(0.25)]
    found += [layers.Flatten()]
    for _ in range(2):
        found += [layers.Dense(4096, kernel_regularizer=l2), layers.ReLU()]
        found += [layers.BatchNormalization(), layers.Dropout(0.5)]
    return [*found, softmax(kernel_regularizer=l2)]


def convolved(x: Tensor, filters: int, size: int, l2: float = 0, **options: object) -> Tensor:
    """A convolution with bias, BN and ReLU."""
    penalty = regularizers.L2(l2) if l2 else None
    options = {"padding": "same", **options}
    x = layers.Conv2D(filters, size, kernel_regularizer=penalty, **options)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))


def minigoogle(x: Tensor) -> Tensor:
    x = convolved(x, 96, 3)
    for modules, down in (
        (((32, 32), (32, 48)), 80),
        (((112, 48), (96, 64), (80, 80), (48, 96)), 96),
        (((176, 160), (176, 160)), 0),
    ):
        for one, three in modules:
            x = layers.Concatenate()([convolved(x, one, 1), convolved(x, three, 3)])
        if down:
            left = convolved(x, down, 3, strides=2, padding="valid")
            x = layers.Concatenate()([left, layers.MaxPooling2D(3, 2)(x)])
    x = layers.Dropout(0.5)(layers.AveragePooling2D(7)(x))
    return softmax()(layers.Flatten()(x))


def deepergoogle(x: Tensor) -> Tensor:
    l2 = 5e-4

    def halve(x: Tensor) -> Tensor:
        return layers.MaxPooling2D(3, 2, padding="same")(x)

    x = halve(convolved(x, 64, 5, l2))
    x = halve(convolved(convolved(x, 64, 1, l2), 192, 3, l2))
    for number, (one, reduce3, three, reduce5, five, pool) in enumerate((
        (64, 96, 128, 16, 32, 32),
        (128, 128, 192, 32, 96, 64),
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    )):  # fmt: skip
        if number == 2:
            x = halve(x)
        pooled = layers.MaxPooling2D(3, 1, padding="same")(x)
        x = layers.Concatenate()([
            convolved(x, one, 1, l2),
            convolved(convolved(x, reduce3, 1, l2), three, 3, l2),
            convolved(convolved(x, reduce5, 1, l2), five, 5, l2),
            convolved(pooled, pool, 1, l2),
        ])  # fmt: skip
    x = layers.Dropout(0.4)(layers.AveragePooling2D(4)(halve(x)))
    return softmax(kernel_regularizer=regularizers.L2(l2))(layers.Flatten()(x))


def resnet(stages: tuple[int, ...], filters: tuple[int, ...], *, pooled: bool) -> Callable:
    """Pre-activation bottlenecks."""
    l2 = regularizers.L2(1e-4)

    def kernel(count: int, size: int, strides: int = 1) -> layers.Layer:
        return conv(count, size, strides=strides, use_bias=False, kernel_regularizer=l2)

    def normalised(x: Tensor) -> Tensor:
        return layers.BatchNormalization(epsilon=2e-5, momentum=0.9)(x)

    def active(x: Tensor) -> Tensor:
        return layers.ReLU()(normalised(x))

    def module(x: Tensor, count: int, strides: int, *, reduces: bool) -> Tensor:
        first = active(x)
        y = active(kernel(count // 4, 1)(first))
        y = active(kernel(count // 4, 3, strides)(y))
        y = kernel(count, 1)(y)
        return layers.Add()([y, kernel(count, 1, strides)(first) if reduces else x])

    def network(x: Tensor) -> Tensor:
        x = kernel(filters[0], 5 if pooled else 3)(normalised(x))
        if pooled:
            x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(active(x)))
        for stage, (modules, count) in enumerate(zip(stages, filters[1:], strict=True)):
            for block in range(modules):
                strides = 2 if stage and not block else 1
                x = module(x, count, strides, reduces=block == 0)
        x = layers.Flatten()(layers.AveragePooling2D(8)(active(x)))
        return softmax(kernel_regularizer=l2)(x)

    return network


def resnet18(x: Tensor) -> Tensor:
    """Two convolutions a module, ReLU after the addition."""
    l2 = regularizers.L2(1e-4)

    def normalised(x: Tensor, count: int, size: int, strides: int = 1) -> Tensor:
        kernel = conv(count, size, strides=strides, use_bias=False, kernel_regularizer=l2)
        return layers.BatchNormalization(epsilon=1e-5, momentum=0.9)(kernel(x))

    x = layers.ZeroPadding2D(1)(layers.ReLU()(normalised(x, 64, 7, 2)))
    x = layers.MaxPooling2D(3, 2)(x)
    for stage, count in enumerate((64, 128, 256, 512)):
        for block in range(2):
            strides = 2 if stage and not block else 1
            y = layers.ReLU()(normalised(x, count, 3, strides))
            y = normalised(y, count, 3)
            x = normalised(x, count, 1, strides) if strides == 2 else x
            x = layers.ReLU()(layers.Add()([y, x]))
    return softmax(kernel_regularizer=l2)(layers.GlobalAveragePooling2D()(x))


def resnet50(x: Tensor) -> Tensor:
    body = keras.applications.ResNet50(include_top=False, weights=None, input_tensor=x)
    return softmax()(layers.GlobalAveragePooling2D()(body.output))


def vgg16(x: Tensor) -> Tensor:
    body = keras.applications.VGG16(include_top=False, weights=None, input_tensor=x)
    x = layers.Flatten()(body.output)
    for _ in range(2):
        x = layers.Dense(4096, activation="relu")(x)
    return softmax()(x)


def lecture() -> list[layers.Layer]:
    found: list[layers.Layer] = []
    for filters in (32, 64, 128):
        found += [conv(filters), conv(filters), layers.MaxPooling2D(2)]
    hidden = [layers.Dense(128, activation="relu"), layers.Dense(64, activation="relu")]
    return [*found, layers.Flatten(), *hidden, softmax()]


def relu(filters: int, size: int) -> list[layers.Layer]:
    return [conv(filters, size, activation="relu"), layers.MaxPooling2D(2)]


def dense(units: int) -> layers.Layer:
    return layers.Dense(units, activation="relu")


NETWORKS: dict[str, Callable[[], list[Callable[[Tensor], Tensor]]]] = {
    "shallownet": lambda: [conv(32, activation="relu"), layers.Flatten(), softmax()],
    "lenet": lambda: [*relu(20, 5), *relu(50, 5), layers.Flatten(), dense(500), softmax()],
    "minivggnet": minivgg,
    "alexnet": alexnet,
    "minigooglenet": lambda: [minigoogle],
    "deepergooglenet": lambda: [deepergoogle],
    "resnet56": lambda: [resnet((9, 9, 9), (64, 64, 128, 256), pooled=False)],
    "resnet_tiny_imagenet": lambda: [resnet((3, 4, 6), (64, 128, 256, 512), pooled=True)],
    "resnet18": lambda: [resnet18],
    "resnet50": lambda: [resnet50],
    "vgg16": lambda: [vgg16],
    "lecture_cnn": lecture,
    "mlp": lambda: [layers.Flatten(), dense(256), softmax()],
    "cnn": lambda: [
        *relu(48, 3),
        *relu(48, 3),
        layers.Flatten(),
        dense(256),
        dense(256),
        softmax(),
    ],
}

if __name__ == "__main__":
    measure(make)
